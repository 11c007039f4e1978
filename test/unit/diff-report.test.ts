import { describe, expect, test } from "bun:test";
import { cellsOf } from "../../lib/cells.ts";
import type { Exact } from "../../lib/exact.ts";
import type { Judge } from "../../lib/fate.ts";
import { UsageFault } from "../../lib/fault.ts";
import { type ReportFlags, readReportFlags } from "../../lib/report/diff-options.ts";
import { type DiffReport, Listing, Summing } from "../../lib/report/diff-report.ts";
import { readSince, type SinceFlags } from "../../lib/report/since.ts";
import { SortedRecords, sizeValue } from "../../lib/report/sorted.ts";
import { Stat } from "../../lib/report/stat.ts";
import { LossTree } from "../../lib/report/tree.ts";
import { diffLine } from "../../tools/diff-schema.ts";
import { type ChangeOptions, madeUpChange } from "../support/change.ts";

/** What lies below /kept or is called so is kept, all else is lost. */
const judge: Judge = ({ path, status }) =>
  status === "D"
    ? { fate: "restored", reason: "in the blank root" }
    : Buffer.from(path).includes("kept")
      ? { fate: "kept", reason: "listed and copied" }
      : { fate: "lost", reason: "not listed" };

type Made = Omit<ChangeOptions, "path">;

function times(all: ReadonlyArray<[seconds: Exact, nanoseconds: number]>): Made[] {
  return all.map(([seconds, nanoseconds]) => ({ mtime: { seconds, nanoseconds } }));
}

/** A directory ends with "/"; in the order of a walk. */
function changes(paths: ReadonlyArray<string | [path: string, options: Made]>) {
  return paths.map((each) => {
    const [path, options] = typeof each === "string" ? [each, {}] : each;
    return path.endsWith("/")
      ? madeUpChange({ type: "directory", ...options, path: path.slice(0, -1) })
      : madeUpChange({ ...options, path });
  });
}

function listed(paths: Parameters<typeof changes>[0], flags: ReportFlags): string[] {
  const options = readReportFlags(flags, false);
  let text = "";
  const write = (record: Uint8Array) => {
    text += Buffer.from(record).toString("latin1");
  };
  const report: DiffReport = new Listing(
    { judge, judgeFilesIn: () => undefined },
    options.selection,
    options,
    write,
  );
  if (report.needsFirstPass) for (const change of changes(paths)) report.prepare(change);
  for (const change of changes(paths)) report.add(change);
  report.finish();
  const lines = text.split("\n").filter(Boolean);
  expect(lines).toHaveLength(report.count);
  return lines;
}

describe("Listing, collapsed, lists", () => {
  const cases: Array<[what: string, paths: Parameters<typeof changes>[0], lines: string[]]> = [
    ["a new directory for its content", ["/a/", "/a/x", "/a/y"], ["/a/"]],
    ["the highest one", ["/a/", "/a/b/", "/a/b/c/", "/a/b/c/x", "/a/z"], ["/a/"]],
    ["no directory that was there before", [["/a/", { status: "m" }], "/a/x"], ["/a/x"]],
    ["none with something kept in it", ["/a/", "/a/kept", "/a/x"], ["/a/x"]],
    [
      "none with something kept deep below, but what lies beside that",
      ["/a/", "/a/b/", "/a/b/x", "/a/c/", "/a/c/d/", "/a/c/d/kept", "/a/c/d/x", "/a/y"],
      ["/a/b/", "/a/c/d/x", "/a/y"],
    ],
    ["nothing for an empty one", ["/a/", "/b/", "/b/c/"], []],
    [
      "a directory with only a socket in it beside files",
      ["/a/", ["/a/s", { type: "socket" }], "/a/x"],
      ["/a/"],
    ],
    [
      "no neighbour whose name begins alike",
      ["/a-b", "/a/", "/a/x", "/a0"],
      ["/a-b", "/a/", "/a0"],
    ],
    ["none whose type changed", [["/a/", { status: "T" }], "/a/x"], ["/a/x"]],
  ];
  test.each(cases)("%s", (_, paths, lines) => {
    expect(listed(paths, { collapse: true })).toEqual(lines);
  });

  test("as JSON what it stands for", () => {
    const [record] = listed(["/a/", ["/a/x", { sizeBytes: 5 }], ["/a/y", { sizeBytes: 7 }]], {
      collapse: true,
      json: true,
    });
    expect(JSON.parse(record!)).toEqual({
      path: "/a/",
      status: "A",
      type: "directory",
      fate: "lost",
      collapsed: true,
      count: 2,
      bytes: 12,
    });
  });
});

describe("Listing, sorted by", () => {
  const sized: Parameters<typeof changes>[0] = [
    ["/a", { sizeBytes: 5, mtime: { seconds: 30, nanoseconds: 0 } }],
    ["/b", { sizeBytes: 70, mtime: { seconds: 10, nanoseconds: 1 } }],
    ["/c", { sizeBytes: 5, mtime: { seconds: 10, nanoseconds: 2 } }],
  ];
  test.each([
    ["size", ["/b", "/a", "/c"]],
    ["mtime", ["/a", "/c", "/b"]],
    ["path", ["/a", "/b", "/c"]],
  ])("%s", (sort, lines) => {
    expect(listed(sized, { sort })).toEqual(lines);
  });

  test.each<[sort: string, what: string, values: Made[]]>([
    [
      "mtime",
      "to the nanosecond",
      times([
        [1764000000, 999_999_999],
        [1764000000, 999_999_998],
        [1764000000, 0],
      ]),
    ],
    [
      "mtime",
      "before 1970",
      times([
        [0, 0],
        [-1, 999_999_999],
        [-1, 0],
        [-2, 5],
      ]),
    ],
    [
      "mtime",
      "beyond any calendar",
      times([
        [2n ** 63n - 1n, 1],
        [2n ** 63n - 1n, 0],
        [2n ** 53n + 1n, 0],
        [2n ** 53n, 9],
      ]),
    ],
    [
      "mtime",
      "before anything",
      times([
        [-(2n ** 53n), 0],
        [-(2n ** 53n) - 1n, 9],
        [-(2n ** 63n), 1],
        [-(2n ** 63n), 0],
      ]),
    ],
    [
      "size",
      "to the byte",
      [2n ** 63n - 1n, 2n ** 63n - 2n, 2n ** 53n + 1n, 2n ** 53n, 2 ** 53 - 1, 1].map(
        (sizeBytes) => ({ sizeBytes }),
      ),
    ],
  ])("%s, %s", (sort, _, values) => {
    const falling = values.map((value, index): [string, Made] => [`/${index}`, value]);
    const lines = falling.map(([path]) => path);
    expect(listed(falling, { sort })).toEqual(lines);
    expect(listed(falling.toReversed(), { sort })).toEqual(lines);
  });

  test("size, with directories that stand for theirs", () => {
    const paths: Parameters<typeof changes>[0] = [
      ["/a", { sizeBytes: 8 }],
      "/d/",
      ["/d/x", { sizeBytes: 9 }],
    ];
    expect(listed(paths, { sort: "size", collapse: true })).toEqual(["/d/", "/a"]);
  });
});

test("SortedRecords holds many records of any length", () => {
  const sorted = new SortedRecords();
  const record = (index: number) => Buffer.from(`${index} ${"x".repeat(index % 300)}`);
  for (let index = 0; index < 5000; index++) sorted.add(record(index), sizeValue(index % 7));
  const keys: number[] = [];
  sorted.drain((each) => {
    const index = Number.parseInt(Buffer.from(each).toString(), 10);
    expect(Buffer.from(each)).toEqual(record(index));
    keys.push(index % 7);
  });
  expect(keys).toHaveLength(5000);
  expect(keys).toEqual([...keys].sort((a, b) => b - a));
});

describe("Listing lists", () => {
  const some: Parameters<typeof changes>[0] = [
    "/d/",
    "/file",
    ["/gone", { status: "D" }],
    ["/link", { link: "x" }],
    ["/mode", { status: "m" }],
    ["/socket", { type: "socket" }],
  ];
  test.each<[string, ReportFlags, string[]]>([
    ["files that are lost", {}, ["/file", "/link", "/mode"]],
    ["one type", { type: "l" }, ["/link"]],
    ["types that are left out by default", { type: "d,s" }, ["/d", "/socket"]],
    ["one status", { only: "m" }, ["/mode"]],
    ["what is gone", { only: "D" }, ["/gone"]],
    ["statuses of a type", { only: "A,D", type: "f" }, ["/file", "/gone"]],
    ["everything", { all: true }, ["/d", "/file", "/gone", "/link", "/mode", "/socket"]],
  ])("%s", (_, flags, lines) => {
    expect(listed(some, flags)).toEqual(lines);
  });
});

describe("readReportFlags() refuses", () => {
  test.each<[ReportFlags, RegExp]>([
    [{ json: true, null: true }, /--json and --null/],
    [{ tree: true, stat: true }, /--tree and --stat/],
    [{ tree: true, sort: "size" }, /--tree and --sort/],
    [{ stat: true, collapse: true }, /--stat and --collapse/],
    [{ depth: "3" }, /--depth alone/],
    [{ tree: true, depth: "0" }, /--depth is "0", expected 1 to 64/],
    [{ tree: true, depth: "1e1" }, /--depth is "1e1"/],
    [{ type: "f,x" }, /--type has "x", expected letters of f,d,l,p,s,c,b,v/],
    [{ type: "" }, /--type has ""/],
    [{ only: "a" }, /--only has "a", expected letters of A,M,m,T,D/],
    [{ only: "constructor" }, /--only has "constructor"/],
  ])("%p", (flags, message) => {
    expect(() => readReportFlags(flags, false)).toThrow(UsageFault);
    expect(() => readReportFlags(flags, false)).toThrow(message);
  });
});

describe("readSince()", () => {
  test.each<[SinceFlags, ReturnType<typeof readSince>]>([
    [{}, { transaction: undefined, fromLastMark: false }],
    [{ since: "last" }, { transaction: undefined, fromLastMark: true }],
    [{ since: "7" }, { transaction: { since: 8, isBase: false }, fromLastMark: false }],
    [{ base: "7" }, { transaction: { since: 8, isBase: true }, fromLastMark: false }],
    [{ base: "/mnt/7" }, { transaction: undefined, fromLastMark: false }],
  ])("of %p", (flags, expected) => {
    expect(readSince(flags)).toEqual(expected);
  });

  test.each<[SinceFlags, RegExp]>([
    [{ since: "yesterday" }, /--since is "yesterday", expected last or the number/],
    [{ since: "-1" }, /--since is "-1"/],
    [{ since: "99999999999999999999" }, /is no transaction/],
    [{ base: "7", since: "last" }, /expected one/],
    [{ state: "f" }, /--state alone/],
  ])("refuses %p", (flags, message) => {
    expect(() => readSince(flags)).toThrow(message);
  });
});

describe("LossTree", () => {
  const paths: Parameters<typeof changes>[0] = [
    ["/a/b/c/d", { sizeBytes: 100 }],
    ["/a/b/e", { sizeBytes: 50 }],
    ["/a/\x1b[2J/f", { sizeBytes: 1 }],
    ["/top", { sizeBytes: 10, links: 2 }],
  ];

  function summed(depth: number): LossTree {
    const tree = new LossTree(depth);
    const { selection } = readReportFlags({ tree: true }, false);
    const report = new Summing(judge, selection, tree);
    for (const change of changes(paths)) report.add(change);
    expect(report.count).toBe(4);
    return tree;
  }

  test("adds what lies deeper to the last level shown", () => {
    const shape = ({ path, count, bytes, children }: Shape): unknown[] => [
      path,
      count,
      bytes,
      ...children.map(shape),
    ];
    expect(shape(JSON.parse(summed(1).json()))).toEqual(["/", 4, 156, ["/a", 3, 151]]);
    expect(shape(JSON.parse(summed(2).json()))).toEqual([
      "/",
      4,
      156,
      ["/a", 3, 151, ["/a/b", 2, 150], ["/a/\x1b[2J", 1, 1]],
    ]);
  });

  test.each([33, 40, 46, 47, 48, 60, 80, 200])("shows all columns in %d cells", (width) => {
    const lines = summed(3).render({ width });
    expect(lines[1]).toMatch(/^ *151 bytes +3 [█ ]*a\/$/);
    for (const line of lines) {
      expect(line).not.toContain("\x1b");
      expect(line.length).toBeLessThan(width);
    }
  });

  test("is as wide as it may be, with bars, where there is room", () => {
    expect(summed(3).render({ width: 60 })).toEqual([
      "   156 bytes           4 █████████████ /",
      "   151 bytes           3 █████████████   a/",
      "   150 bytes           2 █████████████     b/",
      "   100 bytes           1 ████████            c/",
      "      1 byte           1                   \\x1b[2J/",
    ]);
  });

  const HOSTILE = [
    "日本語のとても長いディレクトリ名です".repeat(4),
    "e\u0301".repeat(100),
    "a\u0301\u0302\u0303\u0304".repeat(50),
    "👍🏽👨‍👩‍👧‍👦🇫🇷☺️".repeat(20),
    "ｆｕｌｌ　ｗｉｄｔｈ".repeat(9),
    "ᄒ\u1161ᆫ".repeat(40),
    "x".repeat(255),
  ];

  test.each(Array.from({ length: 120 }, (_, index) => index + 20))(
    "fits into %d cells, whatever names are",
    (width) => {
      const tree = new LossTree(64);
      const sizeBytes = 1024 ** 5 * 1023.99;
      for (const name of HOSTILE) {
        const path = Buffer.from(`/${name}/deep${`/${name}`.repeat(20)}/f`);
        for (let index = 0; index < 3; index++)
          tree.add(path, { sizeBytes: Math.floor(sizeBytes), names: 1 });
      }
      const lines = tree.render({ width });
      expect(lines.length).toBeGreaterThan(100);
      expect(
        lines.filter((line) => cellsOf(line) > width || Bun.stringWidth(line) > width),
      ).toEqual([]);
      // A name is seen at every depth.
      expect(lines.filter((line) => line.endsWith(" …"))).toEqual([]);
    },
  );

  test("says how many directories it doesn't name", () => {
    const tree = new LossTree(2);
    for (let index = 0; index < 25; index++) {
      tree.add(Buffer.from(`/d${index}/f`), { sizeBytes: index, names: 1 });
    }
    const lines = tree.render({ width: 80 });
    expect(lines).toHaveLength(12);
    expect(lines.at(-1)).toContain("15 more directories");
  });
});

interface Shape {
  path: string;
  count: number;
  bytes: number;
  children: Shape[];
}

test("Stat sums by fate, status and type", () => {
  const stat = new Stat();
  const { selection } = readReportFlags({ stat: true }, false);
  const report = new Summing(judge, selection, stat);
  const some: Parameters<typeof changes>[0] = [
    "/d/",
    ["/d/kept", { sizeBytes: 3 }],
    ["/f", { sizeBytes: 4 }],
    ["/g", { status: "D" }],
  ];
  for (const change of changes(some)) report.add(change);
  expect(JSON.parse(stat.json())).toMatchObject({
    fates: { lost: { count: 2, bytes: 4 }, kept: { count: 1, bytes: 3 }, restored: { count: 1 } },
    statuses: { A: { count: 3, bytes: 7 }, D: { count: 1, bytes: 0 }, M: { count: 0 } },
    types: { file: { count: 3, bytes: 7 }, directory: { count: 1 } },
  });
  expect(stat.render().join("\n")).toMatch(/^lost +2 +4 bytes$/m);
});

describe("sizes beyond 2^53 are exact", () => {
  const huge = 2n ** 63n - 1n;
  const large: Parameters<typeof changes>[0] = [
    "/d/",
    ["/d/f", { sizeBytes: 9007199254740993n }],
    ["/d/g", { sizeBytes: huge }],
    ["/d/h", { sizeBytes: huge }],
  ];
  // 9007199254740993 + 2 * (2^63 - 1)
  const sum = "18455751272964292607";

  test("in a listing", () => {
    const lines = listed(large, { json: true });
    const sizes = lines.map((line) => /"size":(\d+)/.exec(line)![1]);
    expect(sizes).toEqual(["9007199254740993", String(huge), String(huge)]);
  });

  test("in a directory that stands for its content", () => {
    const [line] = listed(large, { json: true, collapse: true });
    expect(line).toContain(`"bytes":${sum}`);
  });

  test.each<[string, LossTree | Stat]>([
    ["tree", new LossTree(4)],
    ["stat", new Stat()],
  ])("in a sum: %s", (kind, sums) => {
    const { selection } = readReportFlags({ [kind]: true }, false);
    const report = new Summing(judge, selection, sums);
    for (const change of changes(large)) report.add(change);
    expect(sums.json()).toContain(`"bytes":${sum}`);
    expect(sums.render({ width: 80 }).join("\n")).toMatch(/ 16\.0 EiB\b/);
    expect(diffLine.safeParse(JSON.parse(sums.json())).error).toBeUndefined();
  });
});
