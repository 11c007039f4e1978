import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { type Ran, succeed } from "../support/blankroot.ts";
import { CopyMachine as Machine } from "../support/copies.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";

const MIB = 1024 ** 2;

/**
 * What is kept: its name, a script that makes `x` in a directory, and what a program
 * that is not ours says of it there.
 */
type Case = readonly [name: string, make: string, show: (x: string) => string];

const say =
  (...argv: string[]) =>
  (x: string) =>
    sh([...argv, x]).replaceAll(x, "x");
const flags = (x: string) => sh(["lsattr", "-d", x]).split(" ")[0]!;
const attributes = say("getfattr", "--absolute-names", "-d", "-h", "-m", "-");
/** Of all that is there, each a paragraph, in the order of no directory. */
const acls = (x: string) =>
  say("getfacl", "--absolute-names", "--numeric", "--recursive")(x).split("\n\n").sort().join();
/** Logical ranges of data and their length, in blocks. */
const ranges = (x: string) =>
  Array.from(
    sh(["filefrag", "-v", x]).matchAll(/^ *\d+: +(\d+)\.\. +(\d+):/gm),
    ([, from, to]) => `${from}-${to}`,
  ).join();

const CASES: Case[] = [
  [
    "owner and mode with suid, sgid and sticky bits",
    'echo x >"$0/x"; chown 12:34 "$0/x"; chmod 7751 "$0/x"',
    say("stat", "--format=%u:%g %a"),
  ],
  ["suid of root's own", 'echo x >"$0/x"; chmod 4755 "$0/x"', say("stat", "--format=%u:%g %a")],
  [
    "a mode that forbids its owner all",
    'echo x >"$0/x"; chmod 0 "$0/x"',
    say("stat", "--format=%a"),
  ],
  [
    "times to the nanosecond",
    'echo x >"$0/x"; touch -d "2001-02-03 04:05:06.789012345" "$0/x"; touch -a -d "2002-02-03 04:05:06.000000001" "$0/x"',
    say("stat", "--format=%y %x"),
  ],
  [
    "a time before 1970",
    'echo x >"$0/x"; touch -d "1969-12-31 23:59:58.000000001 UTC" "$0/x"',
    say("stat", "--format=%y"),
  ],
  [
    "the times of directories, whatever is put into them",
    'mkdir -p "$0/x/y/z"; echo f >"$0/x/y/z/f"; touch -d 2001-02-03 "$0/x/y/z"; touch -d 2001-02-04 "$0/x/y"; touch -d 2001-02-05 "$0/x"',
    (x) => sh(["find", x, "-printf", "%P %T@\\n"]),
  ],
  [
    "extended attributes of all namespaces",
    'echo x >"$0/x"; for n in user trusted security; do setfattr -n $n.a -v "$n value" "$0/x"; done; setfattr -n user.empty "$0/x"',
    attributes,
  ],
  [
    "extended attributes of a directory",
    'mkdir "$0/x"; for n in user trusted security; do setfattr -n $n.a -v "$n value" "$0/x"; done',
    attributes,
  ],
  [
    "extended attributes of a symbolic link",
    'ln -s nowhere "$0/x"; setfattr -h -n trusted.a -v value "$0/x"',
    attributes,
  ],
  ["ACLs", 'echo x >"$0/x"; setfacl -m u:7:rwx,g:8:r "$0/x"', acls],
  [
    "default ACLs, and files that don't have what these hand down",
    'mkdir "$0/x"; echo f >"$0/x/f"; mkdir "$0/x/d"; setfacl -m u:7:rwx,d:u:9:rw "$0/x"',
    acls,
  ],
  [
    "capabilities",
    'echo x >"$0/x"; chown 5:5 "$0/x"; setcap cap_net_raw,cap_chown+ep "$0/x"',
    say("getcap"),
  ],
  [
    "holes, also at the end",
    'truncate -s 64M "$0/x"; for at in 0 32 33 40; do printf data | dd of="$0/x" bs=1M seek=$at conv=notrunc status=none; done; sync "$0/x"',
    (x) => `${statSync(x).size} ${statSync(x).blocks < 1000} ${ranges(x)}`,
  ],
  ["a file that is one hole", 'truncate -s 64M "$0/x"', say("stat", "--format=%s %b")],
  ["an empty file", ': >"$0/x"', say("stat", "--format=%s %b")],
  ["NOCOW", 'touch "$0/x"; chattr +C "$0/x"; echo data >"$0/x"', flags],
  ["NOCOW of a directory", 'mkdir "$0/x"; chattr +C "$0/x"', flags],
  ["NOATIME, NODUMP and SYNC", 'echo x >"$0/x"; chattr +AdS "$0/x"', flags],
  ["DIRSYNC", 'mkdir "$0/x"; chattr +D "$0/x"', flags],
  ["immutable", 'echo x >"$0/x"; chattr +i "$0/x"', flags],
  ["append-only", 'echo x >"$0/x"; chattr +a "$0/x"', flags],
  [
    "immutable directories with what is in them",
    'mkdir "$0/x"; echo f >"$0/x/f"; touch -d 2001-02-03 "$0/x"; chattr +i "$0/x"',
    (x) => flags(x) + sh(["stat", "--format=%y", x]),
  ],
  [
    "immutable with two names",
    'echo x >"$0/x"; ln "$0/x" "$0/y"; chattr +i "$0/x"',
    (x) => flags(x) + sh(["stat", "--format=%h", x]),
  ],
  [
    "the compression of a file",
    'touch "$0/x"; btrfs property set "$0/x" compression zstd; yes | head -c 1M >"$0/x"',
    (x) => flags(x) + sh(["btrfs", "property", "get", x]),
  ],
  ["that a file is not to be compressed", 'touch "$0/x"; chattr +m "$0/x"; echo x >"$0/x"', flags],
  [
    "the compression of a directory",
    'mkdir "$0/x"; btrfs property set "$0/x" compression lzo; echo f >"$0/x/f"',
    (x) => flags(x) + flags(`${x}/f`) + sh(["btrfs", "property", "get", x]),
  ],
  ["a fifo", 'mkfifo -m 640 "$0/x"; chown 5:6 "$0/x"', say("stat", "--format=%F %a %u:%g")],
  ["a character device", 'mknod -m 600 "$0/x" c 300 70000', say("stat", "--format=%F %a %t:%T")],
  ["a block device", 'mknod "$0/x" b 7 5', say("stat", "--format=%F %t:%T")],
  [
    "a symbolic link with its owner and time",
    'ln -s "/no/where else" "$0/x"; chown -h 5:6 "$0/x"; touch -h -d 2001-02-03 "$0/x"',
    (x) => sh(["stat", "--format=%N %u:%g %y", x]).replace(/^.* -> /, ""),
  ],
  [
    "an empty directory with its mode and time",
    'mkdir -m 2770 "$0/x"; chown 5:6 "$0/x"; chmod 2770 "$0/x"; touch -d 2001-02-03 "$0/x"',
    say("stat", "--format=%a %u:%g %y"),
  ],
  [
    "hard links",
    'echo x >"$0/x"; ln "$0/x" "$0/y"; mkdir "$0/z"; ln "$0/x" "$0/z/x"; ln -s t "$0/l"; ln "$0/l" "$0/m"',
    say("stat", "--format=%h"),
  ],
];

/** Makes one for a test, in /d of the root. */
function furnish(machine: Machine, [, make]: Case): void {
  mkdirSync(`${machine.root}/d`);
  sh(["sh", "-euc", make, `${machine.root}/d`]);
}

/** What rsync, which compares everything by content, would still do. */
function rest(from: string, to: string): string {
  const flags = ["-aHAX", "--checksum", "--dry-run", "--itemize-changes", "--delete"];
  return sh(["rsync", ...flags, `${from}/`, `${to}/`]);
}

/** Modification times of all that is below a directory, which rsync leaves alone for some. */
function times(dir: string): string {
  return sh(["find", dir, "-printf", "%P %T@\\0"]).split("\0").sort().join("\n");
}

describePrivileged("persist-copy keeps", () => {
  test.each(CASES.map((each) => [each[0], each] as const))("%s", (_, each) => {
    using m = new Machine();
    furnish(m, each);
    const ran = succeed(...m.words("--verify", "/d"));
    expect(ran.stderr).toContain("read back and right");
    expect(each[2](`${m.persist}/d/x`)).toBe(each[2](`${m.root}/d/x`));
    expect(times(`${m.persist}/d`)).toBe(times(`${m.root}/d`));
    expect(rest(`${m.root}/d`, `${m.persist}/d`)).toBe("");
    expect(succeed(...m.words("--update", "/d")).stderr).toContain("0 files copied");
  });

  test("all of that on another file system", () => {
    using m = new Machine();
    using scratch = new Scratch();
    const other = mountAt(scratch, "other", makeBtrfs(scratch, "other-disk", 256 * MIB));
    mkdirSync(`${m.root}/d`);
    for (const [index, [, make]] of CASES.entries()) {
      mkdirSync(`${m.root}/d/${index}`);
      sh(["sh", "-euc", make, `${m.root}/d/${index}`]);
    }
    writeFileSync(`${m.root}/d/large`, Buffer.alloc(3 * MIB + 17, 7));
    const words = ["persist-copy", "--root", m.root, "--persist", other];
    expect(succeed(...words, "--verify", "/d").stderr).toContain("read back and right");
    for (const [index, [name, , show]] of CASES.entries()) {
      const both = [m.root, other].map((side) => `${name}: ${show(`${side}/d/${index}/x`)}`);
      expect(both[1]!).toBe(both[0]!);
    }
    expect(times(`${other}/d`)).toBe(times(`${m.root}/d`));
    expect(rest(`${m.root}/d`, `${other}/d`)).toBe("");
    expect(succeed(...words, "/d").stderr).toContain("0 files copied");
  });

  test("what concerns compression beside nodatacow, as far as the file system takes both", () => {
    using m = new Machine();
    const remount = (options: string) => sh(["mount", "-o", `remount,${options}`, m.root]);
    remount("datacow");
    const make =
      'mkdir "$0/d"; cd "$0/d"; mkdir c m; chattr +c c; chattr +m m; for x in c m; do echo x >$x/cow; done';
    sh(["sh", "-euc", make, m.root]);
    remount("nodatacow");
    sh(["sh", "-euc", 'cd "$0/d"; for x in c m; do echo x >$x/nocow; done', m.root]);
    succeed(...m.words("--verify", "/d"));
    expect(rest(`${m.root}/d`, `${m.persist}/d`)).toBe("");
    for (const x of ["c", "m"]) {
      expect(flags(`${m.persist}/d/${x}/cow`)).toBe(flags(`${m.root}/d/${x}/cow`));
      const both = flags(`${m.root}/d/${x}/nocow`);
      expect(both).toMatch(/C/);
      expect(both).toContain(x);
      expect(flags(`${m.persist}/d/${x}/nocow`)).toBe(both.replace(x, "-"));
    }
  });

  test("nothing of what the place hands down", () => {
    using m = new Machine();
    const make = 'mkdir "$0/d" "$0/d/sub"; echo f >"$0/d/sub/f"; mkfifo "$0/d/p"; echo g >"$0/g"';
    sh(["sh", "-euc", make, m.root]);
    const spoil =
      'setfacl -m d:u:9:rwx,d:g:8:rwx "$0"; chgrp 77 "$0"; chmod g+s "$0"; chattr +C "$0"';
    sh(["sh", "-euc", spoil, m.persist]);
    succeed(...m.words("--verify", "/d", "/g"));
    expect(rest(`${m.root}/d`, `${m.persist}/d`)).toBe("");
    for (const show of [acls, say("stat", "--format=%g %a"), flags]) {
      for (const path of ["/d", "/d/sub", "/d/sub/f", "/d/p", "/g"]) {
        if (show === flags && path === "/d/p") continue;
        expect(show(`${m.persist}${path}`)).toBe(show(`${m.root}${path}`));
      }
    }
  });
}, ["rsync", "getfattr", "getfacl", "getcap", "lsattr", "filefrag"]);

/** Fails, saying why. */
function refused(ran: Ran, reason: string | RegExp): void {
  expect(ran.stderr).toMatch(reason);
  expect(ran.status).toBe(3);
}

describePrivileged("persist-copy and what chattr protects", () => {
  test("refuses to replace a protected copy, and says what would help", () => {
    using m = new Machine();
    const file = m.write("/d/x", "old");
    sh(["chattr", "+i", file]);
    succeed(...m.words("/d"));
    sh(["chattr", "-i", file]);
    writeFileSync(file, "new");
    refused(m.copy("--update", "/d"), /\/d\/x: .*; the copy is immutable, which chattr -i ends/);
    sh(["chattr", "-i", `${m.persist}/d/x`]);
    succeed(...m.words("--update", "/d"));
    expect(readFileSync(`${m.persist}/d/x`, "utf8")).toBe("new");
  });

  test("refuses to put anything into a protected directory", () => {
    using m = new Machine();
    m.write("/d/x");
    sh(["chattr", "+a", `${m.root}/d`]);
    succeed(...m.words("/d"));
    m.write("/d/y");
    refused(m.copy("/d"), /\/d\/y: .*; the directory there is append-only, which chattr -a ends/);
  });

  test("protects what a killed run copied and did not protect yet", () => {
    using m = new Machine();
    const file = m.write("/d/x");
    succeed(...m.words("/d"));
    sh(["chattr", "+i", file]);
    expect(succeed(...m.words("/d")).stderr).toContain("1 file protected");
    expect(flags(`${m.persist}/d/x`)).toBe(flags(file));
    expect(succeed(...m.words("/d")).stderr).toContain("equal already");
  });
}, ["chattr"]);
