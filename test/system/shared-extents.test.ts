import { expect, test } from "bun:test";
import { closeSync, openSync, statSync } from "node:fs";
import { shareAllExtents } from "../../lib/host/shared-extents.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";

const SIZE_BYTES = 200 * 1024 ** 2;

describePrivileged("shareAllExtents()", () => {
  test.each<[what: string, script: string, shared: boolean]>([
    ["a reflink", "cp --reflink=always a b", true],
    ["a reflink in another subvolume", "cp --reflink=always a sub/b; ln -s sub/b b", true],
    ["a reflink of what isn't written yet", "tail -c 1M a >>a; cp --reflink=always a b", true],
    ["two files of holes alone", "truncate -s 3M a0 b; mv a0 a", true],
    ["a copy", "cp --reflink=never a b", false],
    [
      "a reflink that was written to",
      "cp --reflink=always a b; printf x | dd of=b bs=1 seek=1000000 conv=notrunc status=none",
      false,
    ],
    ["a reflink with a hole in it", "cp --reflink=always a b; fallocate -p -o 1M -l 1M b", false],
    ["a file on another file system", "mkdir t; mount -t tmpfs t t; cp a t/b; ln -s t/b b", false],
  ])("of %s", (_, script, shared) => {
    using scratch = new Scratch();
    const top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", SIZE_BYTES));
    const before = "btrfs --quiet subvolume create sub; head -c 3M /dev/urandom >a";
    sh(["sh", "-euc", `cd "$1"; ${before}; ${script}`, "sh", top]);
    expect(ask(`${top}/a`, `${top}/b`)).toBe(shared);
  });

  test("is no question of addresses on two disks that are alike", () => {
    using scratch = new Scratch();
    const [first, second] = ["one", "two"].map((name) => {
      const top = mountAt(scratch, `${name}-top`, makeBtrfs(scratch, name, SIZE_BYTES));
      sh(["sh", "-euc", `head -c 3M /dev/urandom >"$1/a"; sync "$1/a"`, "sh", top]);
      return `${top}/a`;
    });
    expect(ask(first!, second!)).toBe(false);
    expect(ask(first!, first!)).toBe(true);
  });
});

function ask(a: string, b: string): boolean {
  const fds = [openSync(a, "r"), openSync(b, "r")] as const;
  try {
    return shareAllExtents(fds[0], fds[1], statSync(a).size);
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}
