/** Where a mark may be kept. */
import { describe, expect, test } from "bun:test";
import { lstatSync, mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { markFile, saveMark } from "../../lib/host/marks.ts";
import { Scratch } from "../support/disk.ts";

const MARK = { filesystem: "5a5a5a5a-8a5e-4b39-9d6b-6e0f5a2b7c11", transaction: 7, time: "then" };

describe("markFile()", () => {
  test("takes a file, or a name that nothing has", () => {
    using scratch = new Scratch();
    const file = markFile(scratch.path("mark"), undefined);
    saveMark(file, MARK);
    saveMark(markFile(scratch.path("mark"), undefined), MARK);
    expect(lstatSync(scratch.path("mark")).isFile()).toBe(true);
  });

  test.each<[what: string, make: (path: string) => void]>([
    ["a directory", (path) => mkdirSync(path)],
    [
      "a link to a file",
      (path) => {
        writeFileSync(`${path}-file`, "theirs");
        symlinkSync(`${path}-file`, path);
      },
    ],
    ["a link to nothing", (path) => symlinkSync("/nothing", path)],
  ])("refuses %s", (_, make) => {
    using scratch = new Scratch();
    make(scratch.path("mark"));
    expect(() => markFile(scratch.path("mark"), undefined)).toThrow("it is no regular file");
  });

  test("refuses a device", () => {
    expect(() => markFile("/dev/null", undefined)).toThrow("/dev/null: it is no regular file");
  });
});
