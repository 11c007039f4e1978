import { describe, expect, test } from "bun:test";
import type { Fate } from "../../lib/fate.ts";
import { type ListingFormat, listingRecord } from "../../lib/report/listing.ts";
import { isListedFate, isListedType } from "../../lib/report/selection.ts";
import { type ChangeOptions, madeUpChange } from "../support/change.ts";

const PLAIN: ListingFormat = { kind: "lines", status: false, terminal: false };

describe("listingRecord()", () => {
  test.each<
    [what: string, path: string, format: Partial<ListingFormat>, record: string | undefined]
  >([
    ["ends a path with a newline", "/a", {}, "/a\n"],
    ["ends a path with NUL", "/a", { kind: "null" }, "/a\0"],
    ["puts the status before it", "/a", { status: true }, "A\t/a\n"],
    ["leaves out what can't be a line", "/a\nb", {}, undefined],
    ["takes every name with NUL", "/a\nb", { kind: "null" }, "/a\nb\0"],
    ["leaves bytes as they are to a program", "/\xff\x1b", {}, "/\xff\x1b\n"],
    ["escapes on a terminal", "/\xff\x1b[2J\n", { terminal: true }, "/\\xff\\x1b[2J\\n\n"],
  ])("%s", (_, path, format, record) => {
    const made = recordOf({ path: Buffer.from(path, "latin1") }, { ...PLAIN, ...format });
    expect(made === undefined ? undefined : Buffer.from(made).toString("latin1")).toBe(record);
  });

  test.each<[what: string, options: ChangeOptions, fields: Record<string, unknown>]>([
    ["names", { path: "/a" }, { path: "/a", mode: "0644", type: "file", size: 0 }],
    [
      "names that are not UTF-8",
      { path: Buffer.from("/\xff", "latin1") },
      { path: "/\ufffd", path_bytes: "L/8=" },
    ],
    ["what could drive a terminal", { path: "/\u009b\u202e\x1b" }, { path: "/\u009b\u202e\x1b" }],
    [
      "times to the nanosecond",
      { path: "/a", mtime: { seconds: 1, nanoseconds: 5 } },
      { mtime: "1970-01-01T00:00:01.000000005Z" },
    ],
    [
      "times before 1970",
      { path: "/a", mtime: { seconds: -1, nanoseconds: 999_999_999 } },
      { mtime: "1969-12-31T23:59:59.999999999Z" },
    ],
    [
      "times that no calendar has",
      { path: "/a", mtime: { seconds: 2 ** 50, nanoseconds: 1 } },
      { mtime: "@1125899906842624.000000001" },
    ],
  ])("as JSON gives %s", (_, options, fields) => {
    const line = Buffer.from(recordOf(options, { ...PLAIN, kind: "json" })!).toString();
    expect(line).toMatch(/^[\x20-\x7e\u00a0-\uffff]+\n$/);
    expect(line).not.toMatch(/\u202e/);
    expect(JSON.parse(line)).toMatchObject(fields);
  });
});

describe("isListedType()", () => {
  const byDefault = { directories: false, all: false };
  test.each<[what: string, options: Partial<ChangeOptions>, chosen: object, listed: boolean]>([
    ["a file", {}, {}, true],
    ["a symlink", { type: "symlink" }, {}, true],
    ["a fifo", { type: "fifo" }, {}, true],
    ["a device", { type: "character" }, {}, true],
    ["a socket", { type: "socket" }, {}, false],
    ["a socket, with directories", { type: "socket" }, { directories: true }, false],
    ["a socket, with all", { type: "socket" }, { all: true }, true],
    ["a directory", { type: "directory" }, {}, false],
    ["a nested subvolume", { type: "subvolume" }, {}, false],
    ["a directory, with directories", { type: "directory" }, { directories: true }, true],
    ["what is gone", { status: "D" }, {}, false],
    ["what is gone, with all", { status: "D" }, { all: true }, true],
  ])("of %s", (_, options, chosen, listed) => {
    const change = madeUpChange({ path: "/a", ...options });
    expect(isListedType(change, { ...byDefault, ...chosen })).toBe(listed);
  });

  test.each<[Fate, boolean]>([
    ["lost", true],
    ["kept", false],
    ["managed", false],
    ["ignored", false],
    ["restored", false],
  ])("%s is listed by default: %s", (fate, listed) => {
    const verdict = { fate, reason: "not listed" } as const;
    expect(isListedFate(verdict, byDefault)).toBe(listed);
    expect(isListedFate(verdict, { directories: false, all: true })).toBe(true);
  });
});

function recordOf(options: ChangeOptions, format: ListingFormat): Uint8Array | undefined {
  return listingRecord(madeUpChange(options), { fate: "lost", reason: "not listed" }, format);
}
