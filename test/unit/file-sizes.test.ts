/** Sizes of files that one reading of a small tree tells, and what it leaves to others. */
import { describe, expect, test } from "bun:test";
import { diffTrees } from "../../lib/btrfs/diff-trees.ts";
import { FileSizes } from "../../lib/btrfs/file-sizes.ts";
import { Failure } from "../../lib/fault.ts";
import { entry, extent, inodeItem, rootItem, xattr } from "../support/btrfs-items.ts";
import { FakeTree, type Item } from "../support/fake-tree.ts";

const TREE = 5;
const MANY = 300;

/** Files of 0, 1, 2… bytes in the top directory, with what else inodes have between them. */
const SOUND: Item[] = [
  rootItem(TREE, 64 * 1024),
  inodeItem(256, { mode: 0o40755, links: 1 }),
  ...Array.from({ length: MANY }, (_, index) => [
    entry(256, 2 + index, `f${index}`, { inode: 300 + index }),
    inodeItem(300 + index, { size: index, links: 1 }),
    xattr(300 + index, 7, { "user.a": "x".repeat(index % 40) }),
    extent(300 + index, 0, { disk: index }),
  ]).flat(),
];
const BYTES = (MANY * (MANY - 1)) / 2;

/** What each run of a walk adds up to, and how many paths were visited one by one. */
function sums(items: Item[], reader = new FakeTree(items), tree = TREE) {
  const sizes = new FileSizes(reader, tree);
  const runs: (number | undefined)[] = [];
  let single = 0;
  const side = { reader: new FakeTree(items), inodes: new FakeTree(items), tree: TREE };
  const visitFiles: Parameters<typeof diffTrees>[1]["visitFiles"] = (files) => {
    const sum = sizes.sum(files);
    runs.push(sum);
    return sum !== undefined;
  };
  const options = { content: () => false, visitFiles };
  diffTrees({ root: side, base: undefined }, options, () => single++);
  return { runs, single };
}

describe("FileSizes", () => {
  test("adds up files of one directory, over several pages", () => {
    const reader = new FakeTree(SOUND);
    expect(sums(SOUND, reader)).toEqual({ runs: [BYTES], single: 0 });
    expect(reader.searches).toBeGreaterThan(10);
  });

  test.each<[what: string, items: Item[]]>([
    ["a file with two names", without(301, inodeItem(301, { size: 1, links: 2 }))],
    ["one that is in use and has none", without(301, inodeItem(301, { size: 1, links: 0 }))],
    ["one whose inode is missing", without(301)],
    ["one whose inode is cut short", without(301, cut(inodeItem(301, { size: 1, links: 1 })))],
    ["a size that no double holds", without(301, sized(301, 2n ** 53n))],
    ["a large tree", [rootItem(TREE, 2 ** 30), ...SOUND.slice(1)]],
    ["a tree without a record", SOUND.slice(1)],
    ["a record that is cut short", [cut(rootItem(TREE, 0)), ...SOUND.slice(1)]],
  ])("leaves %s to others, and is asked once for all", (_, items) => {
    expect(sums(items)).toEqual({ runs: [undefined], single: MANY });
  });

  test("leaves files of another subvolume to others", () => {
    expect(sums(SOUND, new FakeTree(SOUND), TREE + 1)).toEqual({ runs: [undefined], single: MANY });
  });

  test("leaves all to others where a block can't be read", () => {
    class Damaged extends FakeTree {
      override search(...[key]: Parameters<FakeTree["search"]>) {
        if (key.minObjectid > 400) throw new Failure("EIO");
        return super.search(key);
      }
    }
    expect(sums(SOUND, new Damaged(SOUND)).runs).toEqual([undefined]);
  });

  test.each<[what: string, at: number, value: number]>([
    ["beyond its page", 28, 2 ** 31],
    ["of the whole page", 28, 4096],
    ["that falls", 8, 1],
  ])("leaves all to others where an item has a length or key %s", (_, at, value) => {
    class Spoilt extends FakeTree {
      override search(key: Parameters<FakeTree["search"]>[0]) {
        const page = super.search(key);
        if (key.minObjectid < 400 || page.count === 0) return page;
        // Of the page's first item.
        page.view.setUint32(page.start + at, value, true);
        return page;
      }
    }
    const { runs } = sums(SOUND, new Spoilt(SOUND));
    expect(runs).toEqual([undefined]);
  });
});

function without(inode: number, ...instead: Item[]): Item[] {
  const others = SOUND.filter(({ objectid, type }) => objectid !== inode || type !== 1);
  return [...others, ...instead];
}

function cut(item: Item): Item {
  return { ...item, content: item.content.subarray(0, -1) };
}

function sized(inode: number, bytes: bigint): Item {
  const item = inodeItem(inode, { links: 1 });
  Buffer.from(item.content.buffer, item.content.byteOffset).writeBigUInt64LE(bytes, 16);
  return item;
}
