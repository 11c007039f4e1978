/** Where a mark may be kept. */
import { describe, expect, test } from "bun:test";
import {
  closeSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { markFile, saveMark } from "../../lib/host/marks.ts";
import { Scratch } from "../support/disk.ts";

const MARK = {
  filesystem: "5a5a5a5a-8a5e-4b39-9d6b-6e0f5a2b7c11",
  subvolume: 256,
  transaction: 7,
  time: "then",
};

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

  test.each<[what: string, state: string, is: string]>([
    ["missing", "absent/mark", "absent is missing"],
    ["missing with all above it", "absent/too/mark", "absent/too is missing"],
    ["a file", "file/mark", "file is no directory"],
    ["below a file", "file/too/mark", "file/too can't be looked at (ENOTDIR)"],
  ])("refuses a file in a directory that is %s, and makes none", (_, state, is) => {
    using scratch = new Scratch();
    writeFileSync(scratch.path("file"), "");
    expect(() => markFile(scratch.path(state), undefined)).toThrow(
      `${scratch.path(is)}, expected a directory`,
    );
    expect(readdirSync(scratch.dir)).toEqual(["file"]);
  });

  test("refuses a device", () => {
    expect(() => markFile("/dev/null", undefined)).toThrow("/dev/null: it is no regular file");
  });
});

describe("saveMark()", () => {
  test("makes the directory of the default place alone", () => {
    using scratch = new Scratch();
    const fd = openSync(scratch.dir, "r");
    saveMark(markFile(undefined, { fd, path: "/persist" }), MARK);
    closeSync(fd);
    expect(readdirSync(scratch.path("var/lib/blankroot"))).toEqual(["fs-diff.mark"]);
  });

  test("leaves nothing behind where it fails", () => {
    using scratch = new Scratch();
    const file = markFile(scratch.path("mark"), undefined);
    mkdirSync(scratch.path("mark"));
    expect(() => saveMark(file, MARK)).toThrow(
      `Cannot write the mark to ${scratch.path("mark")}: EISDIR`,
    );
    expect(readdirSync(scratch.dir)).toEqual(["mark"]);
  });

  test("writes into no file that lies there under a name of its own", () => {
    using scratch = new Scratch();
    const theirs = [scratch.path("mark.new"), scratch.path(`mark.${process.pid}.new`)];
    for (const path of theirs) writeFileSync(path, "theirs");
    const file = markFile(scratch.path("mark"), undefined);
    expect(() => saveMark(file, MARK)).toThrow("EEXIST");
    expect(theirs.map((path) => readFileSync(path, "utf8"))).toEqual(["theirs", "theirs"]);
  });
});
