/** What subvolumes hold alone, held against quota groups and against what a deletion frees. */
import { expect, test } from "bun:test";
import { statfsSync } from "node:fs";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { byBackrefs, byGroups, found, foundWithNested } from "../support/held-space.ts";
import { describePrivileged } from "../support/privileged.ts";

const SIZE_BYTES = 1024 ** 3;
/** Two roots made of a blank one; old/a has files small and large, and a file of many extents. */
const BEFORE = `
btrfs --quiet subvolume create blank
mkdir old
btrfs --quiet subvolume snapshot blank old/a
btrfs --quiet subvolume snapshot blank old/b
head -c 5M /dev/urandom >old/a/large
seq 100 >old/a/small
mkdir old/a/many
for i in $(seq 300); do head -c 6000 /dev/urandom >old/a/many/$i; done`;

describePrivileged("findHeldSpace()", () => {
  test.each<[what: string, script: string]>([
    ["roots that share nothing", "head -c 3M /dev/urandom >old/b/file"],
    ["a reflink in the other", "cp --reflink=always old/a/large old/b/"],
    ["a reflink in a third", "cp --reflink=always old/a/large blank/"],
    ["reflinks within", "cp --reflink=always old/a/large old/a/again"],
    [
      "a part of an extent in a third",
      "cp --reflink=always old/a/large blank/part; truncate -s 1M blank/part",
    ],
    [
      "an extent that is all but written over",
      "for i in 0 1 2 3; do dd if=/dev/zero of=old/a/large bs=1M seek=$i count=1 conv=notrunc,fsync status=none; done",
    ],
    ["a snapshot of one", "btrfs --quiet subvolume snapshot old/a of-a"],
    [
      "a snapshot that went its own way",
      "btrfs --quiet subvolume snapshot old/a of-a; rm -r of-a/many; echo x >>of-a/large",
    ],
    [
      "the original that went its own way",
      "btrfs --quiet subvolume snapshot old/a of-a; rm -r old/a/many; echo x >>old/a/large",
    ],
    [
      "a snapshot that is gone",
      "btrfs --quiet subvolume snapshot old/a of-a; sync; btrfs --quiet subvolume delete of-a; btrfs subvolume sync .",
    ],
    [
      "metadata that a balance moved",
      "btrfs --quiet subvolume snapshot old/a of-a; sync; btrfs --quiet balance start -m -f .",
    ],
    [
      "data that a balance moved",
      "cp --reflink=always old/a/large old/b/; btrfs --quiet subvolume snapshot old/a of-a; rm -r of-a/many; btrfs --quiet balance start -d -f .",
    ],
    [
      "very many references to one extent",
      "for i in $(seq 400); do cp --reflink=always old/a/large old/b/$i; done; rm old/b/1; cp --reflink=always old/a/many/1 old/a/many/x",
    ],
    [
      "compressed extents",
      "btrfs property set old/b compression zstd; yes | head -c 3M >old/b/yes",
    ],
    ["space that is only reserved", "fallocate -l 7M old/b/reserved"],
  ])("agrees with quota groups on %s", (_, script) => {
    using scratch = new Scratch();
    const top = filled(scratch, script);
    const both = [`${top}/old/a`, `${top}/old/b`];
    const looked = [...both.map((dir) => byBackrefs([dir])), byBackrefs(both)];
    sh(["btrfs", "quota", "enable", top]);
    sh(["btrfs", "quota", "rescan", "-w", top]);
    for (const dir of both) {
      expect(found([dir]).method).toBe("qgroups");
    }
    const wanted = byGroups(top, both);
    // Blocks of the trees that roots share are counted for each of them.
    expect(looked.slice(0, 2).map(({ bytes }) => bytes)).toEqual(
      wanted.slice(0, 2).map(({ bytes }) => bytes),
    );
    for (const [index, { exclusiveBytes }] of looked.entries()) {
      const exact = wanted[index]!.exclusiveBytes;
      expect([index, exclusiveBytes - exact]).toSatisfy(([, over]) => over! <= NODE_BYTES);
      expect([index, exact - exclusiveBytes]).toSatisfy(([, under]) => under! <= TREE_BYTES);
    }
  });

  test("tells what is freed by deleting a root with all that is nested in it", () => {
    using scratch = new Scratch();
    const top = filled(
      scratch,
      "btrfs --quiet subvolume create old/a/nested; head -c 20M /dev/urandom >old/a/nested/file; cp --reflink=always old/a/large old/a/nested/; cp --reflink=always old/a/large old/b",
    );
    const { exclusiveBytes, method } = foundWithNested(`${top}/old/a`);
    expect(method).toBe("backrefs");
    const before = usedBytes(top);
    sh(["btrfs", "--quiet", "subvolume", "delete", `${top}/old/a/nested`, `${top}/old/a`]);
    sh(["btrfs", "subvolume", "sync", top]);
    sh(["sync", "--file-system", top]);
    const freed = before - usedBytes(top);
    // Metadata is there twice on such a disk; checksums and the extent tree go as well.
    expect(freed).toBeGreaterThanOrEqual(exclusiveBytes);
    expect(freed - exclusiveBytes).toBeLessThan(1024 ** 2);
  });

  test("counts what roots share only with each other where they are taken together", () => {
    using scratch = new Scratch();
    const top = filled(scratch, "cp --reflink=always old/a/large old/b/");
    const dirs = [`${top}/old/a`, `${top}/old/b`];
    const alone = dirs.map((dir) => byBackrefs([dir]).exclusiveBytes);
    const together = byBackrefs(dirs).exclusiveBytes;
    expect(together - alone[0]! - alone[1]!).toBe(5 * 1024 ** 2);
  });

  test("asks quota groups while they are on, and no longer", () => {
    using scratch = new Scratch();
    const top = filled(scratch, "cp --reflink=always old/a/large old/b/");
    const before = found([`${top}/old/a`]);
    expect(before.method).toBe("backrefs");
    sh(["btrfs", "quota", "enable", top]);
    sh(["btrfs", "quota", "rescan", "-w", top]);
    expect(found([`${top}/old/a`]).method).toBe("qgroups");
    sh(["btrfs", "quota", "disable", top]);
    expect(found([`${top}/old/a`])).toEqual(before);
  });
});

/** A tree's own part is told by the items, and a block that it begins counts whole. */
const NODE_BYTES = 16 * 1024;
/** What a snapshot that is gone has shared is still taken for shared. */
const TREE_BYTES = 256 * 1024;

function filled(scratch: Scratch, script: string): string {
  const top = mountAt(
    scratch,
    "top",
    makeBtrfs(scratch, "disk", SIZE_BYTES),
    // What is deleted goes with a commit.
    "subvolid=5,commit=1",
  );
  sh(["bash", "-euc", `cd "$1"; ${BEFORE}\nsync\n${script}\nsync`, "bash", top]);
  return top;
}

function usedBytes(top: string): number {
  const { blocks, bfree, bsize } = statfsSync(top);
  return (blocks - bfree) * bsize;
}
