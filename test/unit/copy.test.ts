import { describe, expect, test } from "bun:test";
import { namedPaths } from "../../lib/copy/sources.ts";
import { planToJson, renderPlan, summarizeCopy } from "../../lib/copy/text.ts";
import { Refusal, UsageFault } from "../../lib/fault.ts";
import type { InodeStatus } from "../../lib/inode-status.ts";
import {
  type CopyFacts,
  type CopyState,
  planCopy,
  type SourceEntry,
} from "../../lib/plans/copy.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const text = (path: Uint8Array) => Buffer.from(path).toString();
let inodes = 0n;

function status(type: InodeStatus["type"], more: Partial<InodeStatus> = {}): InodeStatus {
  return {
    type,
    mode: 0o644,
    uid: 0,
    gid: 0,
    sizeBytes: 3,
    atimeNs: 0n,
    mtimeNs: 0n,
    ctimeNs: 0n,
    device: 1n,
    inode: ++inodes,
    links: 1,
    rdev: 0n,
    isImmutable: false,
    isAppendOnly: false,
    ...more,
  };
}

function entry(
  path: string,
  type: InodeStatus["type"],
  more: Partial<SourceEntry> = {},
): SourceEntry {
  return {
    path: bytes(path),
    status: status(type),
    role: "named",
    linkText: undefined,
    copy: undefined,
    ...more,
  };
}

const copyOf = (
  type: InodeStatus["type"],
  ...differences: CopyState["differences"]
): CopyState => ({
  status: status(type),
  differences,
});

function plan(entries: SourceEntry[], more: Partial<CopyFacts> = {}, update = false) {
  const facts = {
    entries,
    persistPath: "/persist",
    live: new Set<string>(),
    mountedCopies: new Set<string>(),
    mountPoints: new Set<string>(),
    leftovers: [],
    obstacles: [],
    unreadable: [],
    named: [],
    writers: [],
    outside: [],
    absent: [],
    ...more,
  };
  return planCopy(facts, update);
}

function actions(...args: Parameters<typeof plan>): string[] {
  return plan(...args).actions.map(({ kind, path, linkTo }) =>
    [kind, text(path), ...(linkTo === undefined ? [] : [text(linkTo)])].join(" "),
  );
}

describe("planCopy()", () => {
  test("makes what is not there, parents first", () => {
    const entries = [
      entry("/a", "directory", { role: "parent" }),
      entry("/a/f", "file"),
      entry("/a/l", "symlink"),
      entry("/a/p", "fifo"),
    ];
    expect(actions(entries)).toEqual([
      "make-directory /a",
      "copy-file /a/f",
      "make-symlink /a/l",
      "make-node /a/p",
    ]);
  });

  test("links further names of one inode to the first, also where that one is there already", () => {
    const one = status("file", { links: 3 });
    const [a, b, c] = ["/a", "/b", "/c"].map((path) => entry(path, "file", { status: one }));
    expect(actions([a!, b!, c!])).toEqual(["copy-file /a", "link /b /a", "link /c /a"]);
    expect(actions([{ ...a!, copy: copyOf("file") }, b!, c!])).toEqual([
      "link /b /a",
      "link /c /a",
    ]);
  });

  test("leaves out what can't be read, and replaces it only where that is asked for", () => {
    const reason = "it can't be compared with its copy (EIO)";
    const copy = { ...copyOf("file", "content"), unreadable: reason };
    const entries = [entry("/d", "directory"), entry("/d/f", "file", { copy })];
    const unreadable = [{ path: bytes("/d/g"), reason: "it can't be looked at (EIO)" }];
    const made = plan(entries, { unreadable });
    expect(made.actions.map(({ path }) => text(path))).toEqual(["/d"]);
    expect(made.leftOut).toEqual([...unreadable, { path: bytes("/d/f"), reason }]);
    const told = renderPlan(made, "/persist");
    expect(told).toContain("left out  /d/g: it can't be looked at (EIO)\nleft out  /d/f: ");
    expect(JSON.parse(planToJson(made, "/persist")).left_out).toEqual([
      { path: "/d/g", reason: "it can't be looked at (EIO)" },
      { path: "/d/f", reason },
    ]);
    expect(actions(entries, { unreadable }, true)).toEqual(["make-directory /d", "copy-file /d/f"]);
  });

  test("skips what is equal but for a time, and sets a directory's", () => {
    const entries = [
      entry("/d", "directory", { copy: copyOf("directory", "mtime") }),
      entry("/d/f", "file", { copy: copyOf("file", "mtime") }),
    ];
    expect(actions(entries)).toEqual(["set-times /d"]);
    expect(plan(entries).equal.map(text)).toEqual(["/d/f"]);
  });

  test("sets the times of an equal directory that something is put into", () => {
    const entries = [
      entry("/d", "directory", { copy: copyOf("directory") }),
      entry("/d/f", "file"),
    ];
    expect(actions(entries)).toEqual(["copy-file /d/f", "set-times /d"]);
  });

  test.each<[string, SourceEntry, boolean, RegExp]>([
    [
      "what differs",
      entry("/f", "file", { copy: copyOf("file", "content") }),
      false,
      /differs in content/,
    ],
    [
      "a file for a directory",
      entry("/f", "file", { copy: copyOf("directory", "type") }),
      true,
      /a directory is never replaced/,
    ],
    [
      "a directory for a file",
      entry("/d", "directory", { copy: copyOf("file", "type") }),
      true,
      /a directory is never replaced/,
    ],
    [
      "a symbolic link on the way",
      entry("/d", "directory", { role: "parent", copy: copyOf("symlink", "type") }),
      true,
      /expected a directory on the way/,
    ],
    [
      "a name that would drive the terminal",
      entry("/\x1b[2J", "file", { copy: copyOf("file", "mode") }),
      false,
      /\\x1b\[2J/,
    ],
  ])("refuses to replace %s", (_, conflicting, update, message) => {
    expect(() => plan([conflicting], {}, update)).toThrow(Refusal);
    expect(() => plan([conflicting], {}, update)).toThrow(message);
  });

  test("lists all conflicts, up to twenty", () => {
    const entries = Array.from({ length: 25 }, (_, n) =>
      entry(`/${n}`, "file", { copy: copyOf("file", "mode") }),
    );
    expect(() => plan(entries)).toThrow(/25 paths in the way\n[\s\S]*and 5 more$/);
  });

  test("replaces what differs when told to, but not what is mounted over its original", () => {
    const differing = entry("/f", "file", { copy: copyOf("file", "content") });
    expect(actions([differing], {}, true)).toEqual(["copy-file /f"]);
    expect(() => plan([differing], { live: new Set(["/f"]) }, true)).toThrow(
      /mounted over the path now/,
    );
    expect(() => plan([differing], { live: new Set(["/"]) }, true)).not.toThrow();
  });

  test("never replaces what is seen live by what lies beneath that mount", () => {
    const live = new Set(["/etc/nixos"]);
    const beneath = entry("/etc/nixos/deep/f", "file", { copy: copyOf("file", "content") });
    expect(() => plan([beneath], { live }, true)).toThrow(/a mount is above the path now/);
    const named = [bytes("/etc/nixos/deep/f"), bytes("/etc/other")];
    expect(plan([{ ...beneath, copy: undefined }], { live, named }).notes).toEqual([
      "1 path under a mount: what is copied lies beneath that, and is not what is seen there",
    ]);
  });

  test("leaves alone a place that only waits for its mount", () => {
    const place = entry("/f", "file", {
      status: status("file", { sizeBytes: 0 }),
      copy: copyOf("file", "content"),
    });
    const mountPoints = new Set(["/f"]);
    expect(plan([place], { mountPoints }).skipped[0]?.reason).toContain("only a mount point");
    // The control: with content beneath the mount it is a conflict.
    const shadowed = { ...place, status: status("file") };
    expect(() => plan([shadowed], { mountPoints })).toThrow(/differs in content/);
  });

  test.each<[string, string, string[]]>([
    ["to its own place in the persist root", "/persist/etc/id", []],
    ["to there by a relative text", "../persist/etc/id", []],
    ["to elsewhere in the persist root", "/persist/etc/other", ["make-symlink /etc/id"]],
    ["to elsewhere", "/nowhere", ["make-symlink /etc/id"]],
  ])("copies a link but for one to its own copy: %s", (_, linkText, expected) => {
    const link = { ...entry("/etc/id", "symlink"), linkText: bytes(linkText) };
    expect(actions([link])).toEqual(expected);
    expect(actions([{ ...link, copy: copyOf("symlink", "target") }], {}, true)).toEqual(expected);
  });

  test("removes what a killed run left, first, and sets the times of that directory", () => {
    const entries = [entry("/d", "directory", { copy: copyOf("directory") }), entry("/f", "file")];
    const leftovers = [{ path: bytes("/d/.blankroot-unfinished"), status: status("directory") }];
    expect(actions(entries, { leftovers })).toEqual([
      "remove-leftover /d/.blankroot-unfinished",
      "copy-file /f",
      "set-times /d",
    ]);
    expect(renderPlan(plan([], { leftovers }), "/persist")).toBe(
      "remove    /persist/d/.blankroot-unfinished, left by a run that was cut short\n",
    );
  });

  test("never puts a link in place of the very file it may lead to", () => {
    const link = entry("/etc/id", "symlink", { copy: copyOf("file", "type") });
    const toCopy = { ...link, linkText: bytes("/mnt/persist/etc/id") };
    expect(() => plan([toCopy], {}, true)).toThrow(/may lead to that very file/);
    // The control: what leads elsewhere is an update like any other.
    const elsewhere = { ...link, linkText: bytes("/mnt/etc/other") };
    expect(actions([elsewhere], {}, true)).toEqual(["make-symlink /etc/id"]);
  });

  test("describes a time that no calendar has", () => {
    const mtimeNs = 9_000_000_000_000n * 1_000_000_000n;
    const far = entry("/f", "file", {
      status: status("file", { mtimeNs }),
      copy: copyOf("file", "mode"),
    });
    expect(() => plan([far])).toThrow(/0:0, @9000000000000\)/);
  });

  test("skips sockets, and notes names that stay behind and lists that lead nowhere", () => {
    const entries = [
      entry("/s", "socket"),
      entry("/f", "file", { status: status("file", { links: 2 }) }),
    ];
    const { skipped, notes } = plan(entries, { absent: ["/etc/nothing"] });
    expect(skipped.map(({ path }) => text(path))).toEqual(["/s"]);
    expect(notes).toEqual([
      "/etc/nothing is listed, but there is nothing to copy",
      "1 file with hard links outside of what is copied: those names stay behind",
    ]);
  });

  test("is summed up when it is done", () => {
    const one = status("file", { links: 2, sizeBytes: 2048 });
    const entries = [
      entry("/a", "directory", { copy: copyOf("directory") }),
      entry("/d", "directory"),
      entry("/d/e", "directory"),
      entry("/d/f", "file", { status: one }),
      entry("/d/g", "file", { status: one }),
    ];
    expect(summarizeCopy(plan(entries), "/persist")).toBe(
      "1 file copied to /persist (2 KiB), 2 directories made, 1 hard link made, 1 path equal already",
    );
  });

  test("prints as a list that can't drive the terminal, and as JSON with the very bytes", () => {
    const odd = { ...entry("/x", "file"), path: new Uint8Array([0x2f, 0xff, 0x1b]) };
    const made = plan([odd]);
    expect(renderPlan(made, "/persist")).toBe(
      "copy      /\\xff\\x1b -> /persist/\\xff\\x1b (3 bytes)\n",
    );
    const [action] = JSON.parse(planToJson(made, "/persist")).actions;
    expect(Buffer.from(action.path_bytes, "base64")).toEqual(Buffer.from(odd.path));
  });
});

describe("namedPaths()", () => {
  const named = (words: string[], stdin = "", separator: "\n" | "\0" = "\n") =>
    namedPaths(words.map(bytes), () => bytes(stdin), separator)?.map(text);

  test("is undefined without words, for the profile's lists are meant then", () => {
    expect(named([])).toBeUndefined();
  });

  test("takes words and lines, with or without an end to the last", () => {
    expect(named(["/a/", "-"], "/b\n/c")).toEqual(["/a", "/b", "/c"]);
    expect(named(["-"], "/b\n/c\n")).toEqual(["/b", "/c"]);
    expect(named(["-"], "/b\nc\0/d\0", "\0")).toEqual(["/b\nc", "/d"]);
    expect(named(["-"], "")).toEqual([]);
  });

  test.each([
    ["relative", ["etc"], ""],
    ["with ..", ["/etc/../x"], ""],
    ["with .", ["/./x"], ""],
    ["with an empty name", ["/a//b"], ""],
    ["the root", ["/"], ""],
    ["an empty word", [""], ""],
    ["an empty line", ["-"], "/a\n\n/b\n"],
    ["a line with NUL", ["-"], "/a\0b\n"],
  ])("refuses a path that is %s", (_, words, stdin) => {
    expect(() => named(words, stdin)).toThrow(UsageFault);
  });
});
