import { describe, expect, test } from "bun:test";
import { DirectoryInodes } from "../../lib/btrfs/directory-inodes.ts";
import { Failure } from "../../lib/fault.ts";
import { entry, inodeItem } from "../support/btrfs-items.ts";
import { FakeTree, type Item } from "../support/fake-tree.ts";

const TREE = 5;
const SOUND: Item[] = [
  entry(256, 2, "dir", { inode: 257, type: 2 }),
  entry(256, 3, "file", { inode: 258 }),
  entry(256, 4, "fifo", { inode: 259, type: 5 }),
  entry(256, 5, "gone", { inode: 300 }),
  inodeItem(257, { mode: 0o40755 }),
  inodeItem(258, { mode: 0o104711, size: 7 }),
];

function listed(items: Item[]) {
  const read = new DirectoryInodes({ tree: TREE, inodes: new FakeTree(items) }, 9n).of(256);
  return Array.from(read, ({ name, status }) => [Buffer.from(name).toString(), status] as const);
}

describe("DirectoryInodes", () => {
  test("tells what is known, in the order of the names", () => {
    const told = listed(SOUND).map(([name, status]) => [name, status?.mode, status?.sizeBytes]);
    expect(told).toEqual([
      ["dir", 0o755, 0],
      ["fifo", undefined, undefined],
      ["file", 0o4711, 7],
      ["gone", undefined, undefined],
    ]);
  });

  test("fails, and names the item, when one is cut short", () => {
    for (const cut of SOUND) {
      for (let length = 0; length < cut.content.length; length++) {
        const items = SOUND.map((item) =>
          item === cut ? { ...item, content: cut.content.subarray(0, length) } : item,
        );
        expect(() => listed(items)).toThrow(`item (${cut.objectid} `);
      }
    }
  });

  test("ends whatever bit is flipped, and never with a name that leads elsewhere", () => {
    let failed = 0;
    for (const [index, flipped] of SOUND.entries()) {
      for (let bit = 0; bit < flipped.content.length * 8; bit++) {
        const content = Buffer.from(flipped.content);
        content[bit >> 3]! ^= 1 << (bit & 7);
        try {
          for (const [name] of listed(SOUND.with(index, { ...flipped, content }))) {
            expect(name).not.toMatch(/[/\0]|^\.{0,2}$/);
          }
        } catch (error) {
          if (!(error instanceof Failure)) throw error;
          failed++;
        }
      }
    }
    expect(failed).toBeGreaterThan(100);
  });
});
