/**
 * Every kind of change on real btrfs: a script before the snapshot, one after it,
 * and all that the comparison must say, in its order.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { diffSubvolumes } from "../../lib/host/diff.ts";
import { changes, inDirectory, makeRoot, makeSnapshot } from "../support/diff.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { diffBothWays } from "../support/exhaustive-diff.ts";
import { describePrivileged } from "../support/privileged.ts";

type Case = [name: string, before: string, after: string, expected: string[]];

const big = (name: string) => `seq 60000 > ${name}`;
const socket = `perl -MSocket -e 'socket(S,PF_UNIX,SOCK_STREAM,0); bind(S,sockaddr_un($ARGV[0])) or die'`;
const links = (count: number) =>
  Array.from({ length: count }, (_, index) => String(index + 1).padStart(3, "0"));

const added: Case[] = [
  ["a regular file", "", big("new"), ["A file /new"]],
  ["an empty file", "", "touch new", ["A file /new"]],
  ["a file truncated to nothing", "", "echo x > new; : > new", ["A file /new"]],
  ["an inline file", "", "echo x > new", ["A file /new"]],
  ["a file that is one hole", "", "truncate -s 1M new", ["A file /new"]],
  ["a sparse file with an extent", "", "truncate -s 1M new; echo x >> new", ["A file /new"]],
  ["space allocated only", "", "fallocate -l 1M new", ["A file /new"]],
  ["a file without copy on write", "", "touch new; chattr +C new; seq 9999 > new", ["A file /new"]],
  ["a reflink", big("old"), "cp --reflink=always old new", ["A file /new"]],
  ["a fifo", "", "mkfifo new", ["A fifo /new"]],
  ["a socket", "", `${socket} new`, ["A socket /new"]],
  ["a character device", "", "mknod new c 1 3", ["A character /new"]],
  ["a block device", "", "mknod new b 7 0", ["A block /new"]],
  ["a symlink", "", "ln -s nowhere new", ["A symlink /new"]],
  ["an empty directory", "", "mkdir new", ["A directory /new"]],
  ["a hard link to an old file", "touch old", "ln old new", ["A file /new", "m file /old"]],
  [
    "hard links across directories",
    "",
    "mkdir a b; touch a/x; ln a/x b/x",
    ["A directory /a", "A file /a/x", "A directory /b", "A file /b/x"],
  ],
  [
    "301 links to one inode",
    "",
    `touch 000; for i in ${links(300).join(" ")}; do ln 000 $i; done`,
    ["A file /000", ...links(300).map((name) => `A file /${name}`)],
  ],
];

const content: Case[] = [
  ["an inline file overwritten", "echo one > f", "echo two > f", ["M file /f"]],
  ["an extent overwritten", big("f"), "seq 60001 120000 > f", ["M file /f"]],
  [
    "a block in the middle",
    big("f"),
    "echo X | dd of=f bs=1 seek=200000 conv=notrunc status=none",
    ["M file /f"],
  ],
  [
    "same size and same times",
    big("f"),
    "touch -r f /tmp/blankroot-t; echo X | dd of=f bs=1 seek=9 conv=notrunc status=none; touch -r /tmp/blankroot-t f; rm /tmp/blankroot-t",
    ["M file /f"],
  ],
  ["appended to", big("f"), "echo more >> f", ["M file /f"]],
  ["truncated", big("f"), "truncate -s 5000 f", ["M file /f"]],
  ["extended by a hole", big("f"), "truncate -s 2M f", ["M file /f"]],
  ["a hole punched into data", big("f"), "fallocate -p -o 4096 -l 4096 f", ["M file /f"]],
  ["replaced by rename", "echo one > f", "echo two > g; mv g f", ["M file /f"]],
  ["an inline file grown into an extent", "echo one > f", "seq 60000 > f", ["M file /f"]],
  ["a symlink retargeted", "ln -s one l", "ln -sfn two l", ["M symlink /l"]],
  ["a symlink retargeted to a longer name", "ln -s one l", "ln -sfn three l", ["M symlink /l"]],
  ["a device with another number", "mknod d c 1 3", "rm d; mknod d c 1 5", ["M character /d"]],
  ["content and mode", "echo one > f", "echo two > f; chmod 600 f", ["M file /f"]],
  [
    "one byte longer than 2^53, times kept",
    "truncate -s 9007199254740992 f; touch -d 2001-02-03 f",
    "truncate -s 9007199254740993 f; touch -d 2001-02-03 f",
    ["M file /f"],
  ],
  [
    "overwritten in the last byte that a file can have",
    "printf a | dd of=f bs=1 seek=9223372036854775806 status=none",
    "printf b | dd of=f bs=1 seek=9223372036854775806 conv=notrunc status=none",
    ["M file /f"],
  ],
  [
    "both names of a file with two links",
    "echo one > f; ln f g",
    "echo two > f",
    ["M file /f", "M file /g"],
  ],
  [
    "a file in a deep directory",
    "mkdir -p a/b/c; echo one > a/b/c/f",
    "echo two > a/b/c/f",
    ["M file /a/b/c/f"],
  ],
];

const metadata: Case[] = [
  ["chmod", "touch f", "chmod 600 f", ["m file /f"]],
  ["chmod of a directory", "mkdir d", "chmod 700 d", ["m directory /d"]],
  ["chmod of the top", "", "chmod 700 .", ["m directory /"]],
  ["chown", "touch f", "chown 12 f", ["m file /f"]],
  ["chgrp", "touch f", "chgrp 12 f", ["m file /f"]],
  ["chown of a symlink", "ln -s x l", "chown -h 12 l", ["m symlink /l"]],
  ["an xattr added", "touch f", "setfattr -n user.a -v 1 f", ["m file /f"]],
  [
    "an xattr changed",
    "touch f; setfattr -n user.a -v 1 f",
    "setfattr -n user.a -v 2 f",
    ["m file /f"],
  ],
  ["an xattr removed", "touch f; setfattr -n user.a -v 1 f", "setfattr -x user.a f", ["m file /f"]],
  ["an ACL", "touch f", "setfacl -m u:12:r f", ["m file /f"]],
  ["a default ACL", "mkdir d", "setfacl -d -m u:12:r d", ["m directory /d"]],
  ["a capability", "touch f", "setcap cap_net_raw+ep f", ["m file /f"]],
  ["mtime only", "touch f", "touch -d 2001-02-03 f", ["m file /f"]],
  ["mtime before 1970", "touch f", "touch -d 1960-02-03 f", ["m file /f"]],
  [
    "mtime of a nanosecond",
    "touch -d '2001-02-03 00:00:00.000000001' f",
    "touch -d '2001-02-03 00:00:00.000000002' f",
    ["m file /f"],
  ],
  [
    "mtime of a directory with the same entries",
    "mkdir d; touch d/f",
    "touch -d 2001-02-03 d",
    ["m directory /d"],
  ],
  ["mtime of a fifo", "mkfifo p", "touch -d 2001-02-03 p", ["m fifo /p"]],
  ["equal bytes written again", big("f"), "seq 60000 > f", ["m file /f"]],
  [
    "the count of links, more",
    "echo one > f",
    "mkdir d; ln f d/g",
    ["A directory /d", "A file /d/g", "m file /f"],
  ],
  [
    "the count of links, less",
    "echo one > f; ln f g; ln f h",
    "rm h",
    ["m file /f", "m file /g", "D file /h"],
  ],
  ["ctime only, by chmod", "touch f; chmod 600 f", "chmod 600 f", ["m file /f"]],
  [
    "ctime only, by a link that came and went",
    "touch f",
    "ln f g; rm g",
    ["m directory /", "m file /f"],
  ],
  ["ctime only, of a directory", "mkdir d; touch d/f", "chmod 755 d", ["m directory /d"]],
  ["ctime only, of a symlink", "ln -s x l", "chown -h 0 l", ["m symlink /l"]],
  ["ctime only, by a flag of chattr", "echo one > f", "chattr +A f", ["m file /f"]],
  [
    "ctime only, by a hole filled with zeros",
    "truncate -s 64K f",
    "touch -r f /tmp/blankroot-t; dd if=/dev/zero of=f bs=64K count=1 conv=notrunc status=none; touch -r /tmp/blankroot-t f; rm /tmp/blankroot-t",
    ["m file /f"],
  ],
  [
    "ctime only, by space allocated within the file",
    "truncate -s 64K f",
    "touch -r f /tmp/blankroot-t; fallocate -l 64K f; touch -r /tmp/blankroot-t f; rm /tmp/blankroot-t",
    ["m file /f"],
  ],
];

const gone: Case[] = [
  ["a deleted file", "touch f", "rm f", ["D file /f"]],
  [
    "a deleted tree",
    "mkdir -p d/e; touch d/e/f d/g",
    "rm -r d",
    ["D directory /d", "D directory /d/e", "D file /d/e/f", "D file /d/g"],
  ],
  ["one of two links", "touch f; ln f g", "rm g", ["m file /f", "D file /g"]],
  ["a renamed file", "touch f", "mv f g", ["D file /f", "A file /g"]],
  [
    "a renamed directory",
    "mkdir d; touch d/f",
    "mv d e",
    ["D directory /d", "D file /d/f", "A directory /e", "A file /e/f"],
  ],
  [
    "swapped names",
    "echo one > f; echo two > g",
    "mv f h; mv g f; mv h g",
    ["M file /f", "M file /g"],
  ],
];

const typeChanged: Case[] = [
  ["a file by a symlink", "touch x", "rm x; ln -s y x", ["T symlink /x"]],
  [
    "a file by a directory, at the directory's place",
    "touch x",
    "rm x; mkdir x; touch x/f x.y",
    ["A file /x.y", "T directory /x", "A file /x/f"],
  ],
  [
    "a directory by a file, at the file's place",
    "mkdir x; touch x/f",
    "rm -r x; touch x x.y",
    ["T file /x", "A file /x.y", "D file /x/f"],
  ],
  [
    "a directory by a subvolume",
    "mkdir x; touch x/f",
    "rm -r x; btrfs -q subvolume create x; touch x/g",
    ["T subvolume /x", "D file /x/f", "A file /x/g"],
  ],
  ["a fifo by a file", "mkfifo x", "rm x; touch x", ["T file /x"]],
];

const nested: Case[] = [
  [
    "subvolumes two levels deep",
    "",
    "btrfs -q subvolume create s; touch s/f; mkdir s/d; btrfs -q subvolume create s/d/t; touch s/d/t/g",
    ["A subvolume /s", "A directory /s/d", "A subvolume /s/d/t", "A file /s/d/t/g", "A file /s/f"],
  ],
  [
    "a snapshot, with the stub in it",
    "mkdir d; touch d/f",
    "btrfs -q subvolume create d/s; touch d/s/g; btrfs -q subvolume snapshot . s",
    [
      "A subvolume /d/s",
      "A file /d/s/g",
      "A subvolume /s",
      "A directory /s/d",
      "A file /s/d/f",
      "A directory /s/d/s",
    ],
  ],
  [
    "one that the base has as a stub",
    "btrfs -q subvolume create s; touch s/f",
    "",
    ["T subvolume /s", "A file /s/f"],
  ],
  [
    "one deleted since",
    "btrfs -q subvolume create s; touch s/f",
    "btrfs -q subvolume delete s",
    ["D directory /s"],
  ],
  [
    "one moved",
    "mkdir a b; btrfs -q subvolume create a/s; touch a/s/f",
    "mv a/s b/r",
    ["D directory /a/s", "A subvolume /b/r", "A file /b/r/f"],
  ],
];

const names: Case[] = [
  ["a newline", "", "touch \"$(printf 'a\\nb')\"", ["A file /a\\nb"]],
  ["invalid UTF-8", "", "touch \"$(printf 'a\\377b')\"", ["A file /a\\xffb"]],
  ["255 bytes", "", `touch ${"n".repeat(255)}`, [`A file /${"n".repeat(255)}`]],
  [
    "a directory of 255 bytes",
    "",
    `mkdir ${"n".repeat(255)}; touch ${"n".repeat(255)}/f`,
    [`A directory /${"n".repeat(255)}`, `A file /${"n".repeat(255)}/f`],
  ],
  [
    "byte order, a directory as name/",
    "",
    "touch a.b a-b a0 B; mkdir a; touch a/z",
    ["A file /B", "A file /a-b", "A file /a.b", "A directory /a", "A file /a/z", "A file /a0"],
  ],
];

const unchanged: Case[] = [
  ["nothing happened", `mkdir d; ${big("d/f")}; ln -s x l`, "", []],
  ["read, which sets atime alone", "echo one > f; mkdir d; touch d/f", "cat f; ls d", []],
  ["recopied, times kept", big("f"), "cp -p --reflink=never f g; mv g f", []],
  ["recopied as a reflink, times kept", big("f"), "cp -p --reflink=always f g; mv g f", []],
  ["an inline file recopied", "echo x > f", "cp -p f g; mv g f", []],
  ["defragmented into other extents", big("f"), "sync; btrfs filesystem defragment -czstd f", []],
  [
    "zeros put in the place of a hole, times kept",
    "truncate -s 64K f",
    "head -c 64K /dev/zero > g; touch -r f g; mv g f",
    [],
  ],
  [
    "replaced by an equal file with other flags",
    "echo one > f",
    "touch g; chattr +A g; echo one > g; touch -r f g; mv g f",
    [],
  ],
  [
    "the last byte that a file can have recopied, times kept",
    "printf a | dd of=f bs=1 seek=9223372036854775806 status=none",
    "printf a | dd of=g bs=1 seek=9223372036854775806 status=none; touch -r f g; mv g f",
    [],
  ],
  ["balanced", big("f"), "btrfs -q balance start --full-balance .", []],
];

/** A snapshot has a stub in the place of what these change. */
const BEYOND_STUBS = new Set(["one deleted since", "one moved"]);

describePrivileged("diffSubvolumes()", () => {
  const scratch = new Scratch();
  let top = "";
  let count = 0;

  beforeAll(() => {
    top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", 512 * 1024 * 1024));
  });
  afterAll(() => scratch[Symbol.dispose]());

  function check(before: string, after: string, expected: string[]): void {
    const { root, base } = makeRoot(top, `case-${count++}`, before);
    inDirectory(root, after);
    expect(changes(root, base)).toEqual(expected);
  }

  /** The same by what was written since the snapshot was taken. */
  function checkDelta(before: string, after: string): void {
    const { root, base } = makeSnapshot(top, `delta-${count++}`, before);
    inDirectory(root, after);
    const { reason, chosen, exhaustive } = diffBothWays(root, base, 0);
    expect(reason).toContain("written since");
    expect(chosen).toEqual(exhaustive);
  }

  const tables: Array<[string, Case[]]> = [
    ["lists as added", added],
    ["lists as changed content", content],
    ["lists as changed metadata", metadata],
    ["lists as gone", gone],
    ["lists as changed type", typeChanged],
    ["enters nested subvolumes:", nested],
    ["keeps names whole:", names],
    ["lists no more than it must when", unchanged],
  ];
  for (const [what, table] of tables) {
    test.each(table)(`${what} %s`, (_, before, after, expected) => {
      check(before, after, expected);
    });
    const possible = table.filter(([name]) => !BEYOND_STUBS.has(name));
    test.each(possible)(`${what} %s, the same by what was written`, (_, before, after) => {
      checkDelta(before, after);
    });
  }

  test("finds a write through a memory mapping", () => {
    const { root, base } = makeRoot(top, "mmap", big("f"));
    // In a process of its own: a mapping ends when it is collected, and holds the mount until then.
    const write = "Bun.mmap(process.argv[1])[70000] = 0x58";
    sh([process.execPath, "--eval", write, `${root}/f`]);
    expect(changes(root, base)).toEqual(["M file /f"]);
  });

  test("lists everything when there is no base", () => {
    const { root } = makeRoot(top, "no-base", "mkdir d; touch d/f; ln -s x l");
    expect(changes(root, undefined)).toEqual(["A directory /d", "A file /d/f", "A symlink /l"]);
  });

  test("lists 20,000 entries of one directory, in order", () => {
    const { root, base } = makeRoot(top, "many", "");
    inDirectory(root, "mkdir d; cd d; seq 20000 | xargs touch");
    const listed = Array.from({ length: 20_000 }, (_, index) => `A file /d/${index + 1}`).sort();
    expect(changes(root, base)).toEqual(["A directory /d", ...listed]);
  });

  test("reports paths that are longer than PATH_MAX", () => {
    const { root, base } = makeRoot(top, "deep", "");
    const name = "n".repeat(250);
    const deep = `i=0; while [ $i -lt 20 ]; do mkdir ${name}; cd -P ${name}; i=$((i+1)); done`;
    inDirectory(root, `${deep}\nseq 2000 > f`);
    const path = (depth: number) => `/${name}`.repeat(depth);
    const expected = Array.from({ length: 20 }, (_, depth) => `A directory ${path(depth + 1)}`);
    expect(changes(root, base)).toEqual([...expected, `A file ${path(20)}/f`]);
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", root, `${top}/deep/again`]);
    inDirectory(
      root,
      `cd ${name}/${name}; cd -P ${path(10).slice(1)}; cd -P ${path(8).slice(1)}; cp -p --reflink=never f g; mv g f`,
    );
    expect(changes(root, `${top}/deep/again`)).toEqual([]);
  });

  test("gives inodes and the text of links when asked", () => {
    const { root, base } = makeRoot(top, "lazy", "");
    const text = "t".repeat(4095);
    inDirectory(
      root,
      `ln -s ${text} l; echo 12345 > f; ln f g; chmod 640 f; chown 7:8 f; touch -d @-5.25 f`,
    );
    const fds = [openSync(root, "r"), openSync(base, "r")] as const;
    const seen: unknown[] = [];
    diffSubvolumes({ root: fds[0], base: fds[1] }, (change) => {
      seen.push(change.inode(), change.linkText());
    });
    for (const fd of fds) closeSync(fd);
    const file = { sizeBytes: 6, mode: 0o100640, uid: 7, gid: 8, links: 2 };
    const mtime = { seconds: -6, nanoseconds: 750_000_000 };
    expect(seen[0]).toMatchObject({ ...file, mtime });
    expect(seen[1]).toBeUndefined();
    expect(seen[4]).toMatchObject({ sizeBytes: 4095, mode: 0o120777 });
    expect(new TextDecoder().decode(seen[5] as Uint8Array)).toBe(text);
  });

  test("leaves no trace on what it reads", () => {
    const { root, base } = makeRoot(top, "atime", big("f"));
    inDirectory(root, "cp -p --reflink=never f g; mv g f; touch -a -d 2001-02-03 f");
    const before = statSync(`${root}/f`).atimeMs;
    expect(changes(root, base)).toEqual([]);
    expect(statSync(`${root}/f`).atimeMs).toBe(before);
    // Positive control: a plain read does leave one.
    readFileSync(`${root}/f`);
    expect(statSync(`${root}/f`).atimeMs).not.toBe(before);
  });

  test("compares bytes across file systems", () => {
    const { root } = makeRoot(top, "across", `${big("f")}; ${big("g")}; echo x > h`);
    const other = mountAt(scratch, "other", makeBtrfs(scratch, "disk2", 128 * 1024 * 1024));
    sh(["btrfs", "--quiet", "subvolume", "create", `${other}/base`]);
    sh(["cp", "-a", `${root}/.`, `${other}/base`]);
    expect(changes(root, `${other}/base`)).toEqual([]);
    inDirectory(root, "echo X | dd of=g bs=1 seek=300000 conv=notrunc status=none");
    expect(changes(root, `${other}/base`)).toEqual(["M file /g"]);
  });

  test("reads a file system that is mounted read-only", () => {
    const device = makeBtrfs(scratch, "disk3", 128 * 1024 * 1024);
    const { root } = makeRoot(mountAt(scratch, "rw", device), "case", "touch f");
    sh(["umount", scratch.path("rw")]);
    const again = mountAt(scratch, "ro", device, "ro,subvolid=5");
    expect(changes(root.replace(scratch.path("rw"), again), undefined)).toEqual(["A file /f"]);
  });

  test("says that a privilege is missing, when it is", () => {
    const { root } = makeRoot(top, "unprivileged", "touch f");
    const script = scratch.path("unprivileged.ts");
    const diff = Bun.resolveSync("../../lib/host/diff.ts", import.meta.dir);
    writeFileSync(
      script,
      `import { openSync } from "node:fs";
      import { diffSubvolumes } from ${JSON.stringify(diff)};
      try { diffSubvolumes({ root: openSync(process.argv[2], "r"), base: undefined }, () => {}); console.log("listed"); }
      catch (fault) { console.log(fault.name, fault.message, fault.hint); }`,
    );
    const argv = [process.execPath, script, root];
    const without = sh([
      "setpriv",
      "--bounding-set",
      "-sys_admin",
      "--inh-caps",
      "-sys_admin",
      ...argv,
    ]);
    expect(without).toMatch(
      /^Failure Cannot search .*EPERM a search of the metadata needs CAP_SYS_ADMIN/,
    );
    expect(sh(argv)).toBe("listed\n");
  });

  test("refuses a directory that is no top, and what is not btrfs", () => {
    const { root, base } = makeRoot(top, "refused", "mkdir d");
    expect(() => changes(`${root}/d`, base)).toThrow(/expected its top$/);
    expect(() => changes("/proc", undefined)).toThrow(/expected a btrfs subvolume$/);
  });
});
