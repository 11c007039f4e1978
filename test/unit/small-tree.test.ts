/** What one reading of a small tree tells of directories and sizes, and what it leaves to others. */
import { describe, expect, test } from "bun:test";
import { diffTrees } from "../../lib/btrfs/diff-trees.ts";
import { DIR_INDEX_KEY, DirItem } from "../../lib/btrfs/format.ts";
import type { SearchKey } from "../../lib/btrfs/search-key.ts";
import { SmallTree } from "../../lib/btrfs/small-tree.ts";
import { SearchHeader, type TreeReader } from "../../lib/btrfs/tree-reader.ts";
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

/** What each run of a walk adds up to, which paths were visited one by one, and searches of directories. */
function walked(items: Item[], reader = new Counting(items), tree = TREE) {
  const small = new SmallTree(reader, tree);
  const runs: (number | undefined)[] = [];
  const single: string[] = [];
  const side = { reader: small, inodes: new FakeTree(items), tree: TREE };
  const visitFiles: Parameters<typeof diffTrees>[1]["visitFiles"] = (files) => {
    const size = small.sizeOf(files);
    runs.push(size);
    return size !== undefined;
  };
  const options = { content: () => false, visitFiles };
  diffTrees({ root: side, base: undefined }, options, ({ path }) =>
    single.push(Buffer.from(path).toString()),
  );
  return { runs, single, listed: reader.listed };
}

class Counting extends FakeTree {
  /** Directories that were searched by themselves. */
  readonly listed: number[] = [];

  override search(key: SearchKey, pageBytes?: number) {
    if (key.minType === DIR_INDEX_KEY && key.maxType === DIR_INDEX_KEY) {
      this.listed.push(key.minObjectid);
    }
    return super.search(key, pageBytes);
  }
}

describe("SmallTree", () => {
  test("lists and adds up files of one directory, over several pages", () => {
    const reader = new Counting(SOUND);
    expect(walked(SOUND, reader)).toEqual({ runs: [BYTES], single: [], listed: [] });
    expect(reader.searches).toBeGreaterThan(10);
  });

  test("lists directories within each other, and asks for those that are empty", () => {
    const items = [
      ...SOUND,
      entry(256, 1000, "d", { inode: 1000, type: 2 }),
      entry(256, 1001, "empty", { inode: 1001, type: 2 }),
      entry(1000, 2, "g", { inode: 1002 }),
      entry(1000, 3, "h", { inode: 1003 }),
      ...[1000, 1001].map((inode) => inodeItem(inode, { mode: 0o40755, links: 1 })),
      ...[1002, 1003].map((inode) => inodeItem(inode, { size: 5, links: 1 })),
    ];
    const { runs, single, listed } = walked(items);
    expect(runs).toEqual([10, BYTES]);
    expect(single).toEqual(["/d", "/empty"]);
    expect(listed).toEqual([1001]);
  });

  test.each<[what: string, items: Item[]]>([
    ["a file with two names", without(301, inodeItem(301, { size: 1, links: 2 }))],
    ["one that is in use and has none", without(301, inodeItem(301, { size: 1, links: 0 }))],
    ["one whose inode is missing", without(301)],
    ["one whose inode is cut short", without(301, cut(inodeItem(301, { size: 1, links: 1 })))],
    ["a size that no double holds", without(301, sized(301, 2n ** 53n))],
  ])("leaves the size of %s to others, and is asked once for all", (_, items) => {
    const { runs, single, listed } = walked(items);
    expect([runs, single.length, listed]).toEqual([[undefined], MANY, []]);
  });

  test.each<[what: string, items: Item[], how?: { reader?: Counting; tree?: number }]>([
    ["a large tree", [rootItem(TREE, 2 ** 30), ...SOUND.slice(1)], {}],
    ["a tree without a record", SOUND.slice(1), {}],
    ["a record that is cut short", [cut(rootItem(TREE, 0)), ...SOUND.slice(1)], {}],
    ["another tree", SOUND, { tree: TREE + 1 }],
    ["a block that can't be read", SOUND, { reader: unreadable() }],
    ["a length beyond its page", SOUND, { reader: spoilt("first", SearchHeader.length, 2 ** 31) }],
    ["a length of its page", SOUND, { reader: spoilt("first", SearchHeader.length, 4096) }],
    ["a key that falls", SOUND, { reader: spoilt("last", SearchHeader.objectid, 1) }],
    ["two directories in one", SOUND, { reader: spoilt("entry", SearchHeader.objectid, 257) }],
  ])("leaves %s to whoever looks at each", (_, items, how) => {
    const { runs, single, listed } = walked(items, how?.reader, how?.tree);
    expect([runs, single.length, listed[0]]).toEqual([[undefined], MANY, 256]);
  });

  test("lists as a plain search does, and says the same of damage, whatever bit is flipped", () => {
    const few = SOUND.filter(({ objectid }) => objectid < 310);
    let failed = 0;
    const index = few.findIndex(({ content }) => isNamed(content, "f1"));
    for (let bit = 0; bit < few[index]!.content.length * 8; bit++) {
      const content = Buffer.from(few[index]!.content);
      content[bit >> 3]! ^= 1 << (bit & 7);
      const items = few.with(index, { ...few[index]!, content });
      const said = outcome(items, new SmallTree(new FakeTree(items), TREE));
      expect(said).toBe(outcome(items, new FakeTree(items)));
      if (said.startsWith("Cannot")) failed++;
    }
    expect(failed).toBeGreaterThan(20);
  });

  test("reads nothing until a directory is listed, and nothing of it once it has settled", () => {
    const reader = new Counting(SOUND);
    const small = new SmallTree(reader, TREE);
    expect(reader.searches).toBe(0);
    small.settle();
    const side = { reader: small, inodes: new FakeTree(SOUND), tree: TREE };
    diffTrees({ root: side, base: undefined }, { content: () => false }, () => {});
    expect(reader.listed[0]).toBe(256);
  });

  test.each<[what: string, later: Item[], told: number | string]>([
    ["went away meanwhile", SOUND.filter(({ content }) => !isNamed(content, "f1")), MANY - 1],
    ["is missing", SOUND, "missing, expected it for an entry"],
  ])("knows an inode that %s, when it has settled", (_, later, told) => {
    class Settling extends FakeTree {
      #now = new FakeTree(SOUND);

      override search(key: SearchKey, pageBytes?: number) {
        return this.#now.search(key, pageBytes);
      }

      override settle() {
        this.#now = new FakeTree(later);
      }
    }
    const reader = new SmallTree(new Settling([]), TREE);
    const side = {
      reader,
      inodes: new FakeTree(SOUND.filter(({ objectid }) => objectid !== 301)),
      tree: TREE,
    };
    let seen = 0;
    const walk = () => {
      diffTrees({ root: side, base: undefined }, { content: () => false }, (change) => {
        change.inode();
        seen++;
      });
      return seen;
    };
    if (typeof told === "string") expect(walk).toThrow(told);
    else expect(walk()).toBe(told);
  });
});

function outcome(items: Item[], reader: TreeReader): string {
  const side = { reader, inodes: new FakeTree(items), tree: TREE };
  const lines: string[] = [];
  try {
    diffTrees({ root: side, base: undefined }, { content: () => false }, ({ path, type }) =>
      lines.push(`${type} ${Buffer.from(path).toString("latin1")}`),
    );
    return lines.join("\n");
  } catch (error) {
    return (error as Error).message;
  }
}

function isNamed(content: Uint8Array, name: string): boolean {
  return Buffer.from(content.subarray(DirItem.size)).equals(Buffer.from(name));
}

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

/** A reader that fails beyond some inodes. */
function unreadable(): Counting {
  return new (class extends Counting {
    override search(key: SearchKey, pageBytes?: number) {
      if (key.maxObjectid > 300 && key.minObjectid > 400) throw new Failure("EIO");
      return super.search(key, pageBytes);
    }
  })(SOUND);
}

/**
 * A reader of the whole tree that spoils a header in each page from inode 400 on.
 *
 * @param which item: the first or last one, or the second that lists a directory
 */
function spoilt(which: "first" | "last" | "entry", at: number, value: number): Counting {
  return new (class extends Counting {
    override search(key: SearchKey, pageBytes?: number) {
      const page = super.search(key, pageBytes);
      const isWhole = key.maxObjectid > 2 ** 32;
      if (!isWhole || (which !== "entry" && key.minObjectid < 400)) return page;
      const { view } = page;
      const headers: number[] = [];
      let next = page.start;
      for (let index = 0; index < page.count; index++) {
        headers.push(next);
        next += SearchHeader.size + view.getUint32(next + SearchHeader.length, true);
      }
      const entries = headers.filter(
        (header) => view.getUint32(header + SearchHeader.type, true) === DIR_INDEX_KEY,
      );
      const header = { first: headers[0], last: headers.at(-1), entry: entries[1] }[which];
      if (header !== undefined) view.setUint32(header + at, value, true);
      return page;
    }
  })(SOUND);
}
