/**
 * The metadata reader on made-up trees: order and carry of keys, reading ahead,
 * stubs of subvolumes, and which bytes are read at all.
 */
import { describe, expect, test } from "bun:test";
import { diffTrees } from "../../lib/btrfs/diff-trees.ts";
import { InodeItem } from "../../lib/btrfs/format.ts";
import { ItemCursor } from "../../lib/btrfs/item-cursor.ts";
import { ReadAhead } from "../../lib/btrfs/read-ahead.ts";
import { SearchKey } from "../../lib/btrfs/search-key.ts";
import { compareBytes, sortOrder } from "../../lib/btrfs/sort.ts";
import type { Page } from "../../lib/btrfs/tree-reader.ts";
import { backref, entry, extent, inodeItem, xattr } from "../support/btrfs-items.ts";
import { FakeTree, type Item } from "../support/fake-tree.ts";
import { differences } from "../support/made-up-diff.ts";

const LINK = 7;
const U32_MAX = 0xffffffff;

describe("SearchKey.moveAfter()", () => {
  test.each<[name: string, at: number[], next: number[], more: boolean]>([
    ["adds one to the offset", [7, 1, 5, 0], [7, 1, 6, 0], true],
    ["carries into the high half", [7, 1, U32_MAX, 3], [7, 1, 0, 4], true],
    ["carries into the type", [7, 1, U32_MAX, U32_MAX], [7, 2, 0, 0], true],
    ["ends after the last type", [7, 108, U32_MAX, U32_MAX], [7, 109, 0, 0], false],
    ["carries into the objectid, and ends", [7, 255, U32_MAX, U32_MAX], [8, 0, 0, 0], false],
  ])("%s", (_, at, next, more) => {
    const key = new SearchKey();
    key.aim(5, 7, 1, 108);
    expect(key.moveAfter(at[0]!, at[1]!, at[2]!, at[3]!)).toBe(more);
    const { minObjectid, minType, minOffsetLow, minOffsetHigh } = key;
    expect([minObjectid, minType, minOffsetLow, minOffsetHigh]).toEqual(next);
  });
});

describe("sortOrder()", () => {
  test.each([0, 1, 2, 15, 16, 17, 33, 1000, 4097])(
    "sorts %d slots, equal ones in their order",
    (count) => {
      const value = (slot: number) => (slot * 7919) % 257;
      const order = Uint32Array.from({ length: count + 3 }, (_, slot) => slot);
      sortOrder(order, count, (a, b) => value(a) - value(b));
      const expected = Array.from({ length: count }, (_, slot) => slot).sort(
        (a, b) => value(a) - value(b),
      );
      expect([...order.subarray(0, count)]).toEqual(expected);
    },
  );
});

/** Each of so many places in turn, as files of directories that were filled in turns. */
function inTurns(inodes: readonly number[], places: number): number[] {
  const each = inodes.length / places;
  return Array.from(
    inodes,
    (_, index) => inodes[(index % places) * each + Math.floor(index / places)]!,
  );
}

describe("ReadAhead", () => {
  const inodes = Array.from({ length: 200 }, (_, index) => 300 + 3 * index);
  const items = inodes.flatMap((inode) => [
    inodeItem(inode, { size: inode }),
    ...(inode % 2 === 0 ? [xattr(inode, 7, { "user.a": String(inode) })] : []),
    ...Array.from({ length: inode % 5 }, (_, index) =>
      extent(inode, index * 4096, { disk: inode }),
    ),
  ]);

  test.each<[name: string, order: number[], searches: number]>([
    ["rising", inodes, 80],
    ["falling", inodes.toReversed(), 450],
    ["each twice", inodes.flatMap((inode) => [inode, inode]), 120],
    ["in turns, far from each other", inTurns(inodes, 40), 100],
  ])("answers as a plain search does, inodes %s", (_, order, searches) => {
    const tree = new FakeTree(items, { nodeSizeBytes: 2048 });
    const [plain, ahead] = [new FakeTree(items), new ReadAhead(tree)].map(
      (reader) => new ItemCursor(reader),
    );
    for (const inode of [...order, 301, 5000]) {
      for (const last of [1, 24, 108]) {
        expect(itemsOf(ahead!, inode, last)).toEqual(itemsOf(plain!, inode, last));
      }
    }
    expect(tree.searches).toBeLessThan(searches);
  });

  test("never answers with a part, where a block begins amid an inode", () => {
    const cursor = new ItemCursor(new ReadAhead(new FakeTree(items, { nodeSizeBytes: 2048 })));
    const plain = new ItemCursor(new FakeTree(items));
    for (const inode of inodes) {
      for (const first of [24, 1, 108]) {
        expect(itemsOf(cursor, inode, 108, first)).toEqual(itemsOf(plain, inode, 108, first));
      }
    }
  });

  test("reads what is wanted where what follows it can't be read", () => {
    class Damaged extends FakeTree {
      override search(key: SearchKey, pageBytes?: number): Page {
        if (key.maxObjectid > 400) throw new Error("EIO");
        return super.search(key, pageBytes);
      }
    }
    const ahead = new ItemCursor(new ReadAhead(new Damaged(items, { nodeSizeBytes: 2048 })));
    const plain = new ItemCursor(new FakeTree(items));
    for (const inode of inodes.filter((each) => each <= 400)) {
      expect(itemsOf(ahead, inode, 24)).toEqual(itemsOf(plain, inode, 24));
    }
    expect(() => itemsOf(ahead, 402, 24)).toThrow("EIO");
  });

  test("keeps blocks of several places, and forgets them where it is told to settle", () => {
    const tree = new FakeTree(items, { nodeSizeBytes: 2048 });
    const reader = new ReadAhead(tree);
    const cursor = new ItemCursor(reader);
    const [near, far] = [inodes.slice(0, 4), inodes.slice(190, 194)];
    const read = () => [...near, ...far].map((inode) => itemsOf(cursor, inode, 1));
    const found = read();
    const { searches } = tree;
    expect(read()).toEqual(found);
    expect(tree.searches - searches).toBeLessThanOrEqual(2);
    reader.settle();
    expect(read()).toEqual(found);
    expect(tree.searches - searches).toBeGreaterThan(2);
  });

  test("looks again for what its block lacks", () => {
    const growing = [...items];
    const cursor = new ItemCursor(new ReadAhead(new LiveTree(growing)));
    expect(itemsOf(cursor, 300, 1)).toHaveLength(1);
    expect(itemsOf(cursor, 301, 1)).toHaveLength(0);
    growing.push(inodeItem(301));
    expect(itemsOf(cursor, 301, 1)).toHaveLength(1);
  });

  /** A tree that items are added to. */
  class LiveTree extends FakeTree {
    readonly #live: Item[];

    constructor(live: Item[]) {
      super(live);
      this.#live = live;
    }

    override search(key: SearchKey, pageBytes?: number) {
      return new FakeTree(this.#live).search(key, pageBytes);
    }
  }

  function itemsOf(cursor: ItemCursor, inode: number, last: number, first = 1): string[] {
    const found: string[] = [];
    cursor.aim(5, inode, first, last);
    while (cursor.next()) {
      const { type, offset, bytes, at, length } = cursor;
      found.push(`${type} ${offset} ${bytes.subarray(at, at + length).toHex()}`);
    }
    return found;
  }
});

test("compareBytes() orders as memcmp, a beginning first", () => {
  const sign = (a: string, b: string) =>
    Math.sign(compareBytes(Buffer.from(a), 0, a.length, Buffer.from(b), 0, b.length));
  expect([sign("a", "b"), sign("b", "a"), sign("a", "a"), sign("a", "ab"), sign("", "a")]).toEqual([
    -1, 1, 0, -1, -1,
  ]);
});

describe("diffTrees()", () => {
  test("lists in byte order over several pages", () => {
    const names = Array.from({ length: 500 }, (_, index) => `n${(index * 263) % 500}`);
    const tree = names.map((name, index) => entry(256, index + 2, name, { inode: 300 + index }));
    expect(differences(tree)).toEqual([...names].sort().map((name) => `A file /${name}`));
  });

  test("searches a directory once when its page has room left", () => {
    const reader = new FakeTree([entry(256, 2, "f", { inode: 300 })]);
    diffTrees(
      { root: { reader, inodes: reader, tree: 5 }, base: undefined },
      { content: () => true },
      () => {},
    );
    expect(reader.searches).toBe(1);
  });

  test("takes the later of two entries with one name, for it was renamed onto", () => {
    const tree = [
      entry(256, 2, "f", { inode: 300, type: LINK }),
      entry(256, 3, "f", { inode: 301 }),
    ];
    expect(differences(tree)).toEqual(["A file /f"]);
  });

  test("enters a subvolume where its ROOT_BACKREF points here, and takes it for a stub elsewhere", () => {
    const tree = [
      entry(256, 2, "here", { subvolume: 270 }),
      entry(256, 3, "moved", { subvolume: 271 }),
      entry(256, 4, "gone", { subvolume: 272 }),
      backref(270, 5, 256, "here"),
      backref(271, 9, 256, "moved"),
      entry(256, 2, "inside", { inode: 300 }, 270),
      entry(256, 2, "not here", { inode: 300 }, 271),
    ];
    expect(differences(tree)).toEqual([
      "A directory /gone",
      "A subvolume /here",
      "A file /here/inside",
      "A directory /moved",
    ]);
  });

  const file = (inode: number, size: number, ...rest: Item[]) => [
    inodeItem(256, { mode: 0o40755 }),
    entry(256, 2, "f", { inode }),
    inodeItem(inode, { size }),
    ...rest,
  ];
  const other = (items: Item[]): Item[] =>
    items.map((item) => ({ ...item, objectid: item.objectid === 300 ? 301 : item.objectid }));

  test.each<
    [name: string, size: number, ours: Item[], theirs: Item[], reads: string[], listed: string[]]
  >([
    [
      "one address",
      8192,
      [extent(300, 0, { disk: 9, length: 8192 })],
      [extent(300, 0, { disk: 9, length: 8192 })],
      [],
      [],
    ],
    [
      "one address in two pieces",
      8192,
      [extent(300, 0, { disk: 9, length: 8192 })],
      [extent(300, 0, { disk: 9 }), extent(300, 4096, { disk: 9, shift: 4096 })],
      [],
      [],
    ],
    [
      "another address",
      5000,
      [extent(300, 0, { disk: 9, length: 8192 })],
      [extent(300, 0, { disk: 8, length: 8192 })],
      ["0+5000"],
      ["M file /f"],
    ],
    [
      "another address in the middle",
      12288,
      [extent(300, 0, { disk: 9, length: 12288 })],
      [
        extent(300, 0, { disk: 9 }),
        extent(300, 4096, { disk: 7 }),
        extent(300, 8192, { disk: 9, shift: 8192 }),
      ],
      ["4096+4096"],
      ["M file /f"],
    ],
    ["a hole and allocated space", 4096, [], [extent(300, 0, { disk: 9, type: 2 })], [], []],
    ["a hole and data", 4096, [], [extent(300, 0, { disk: 9 })], ["0+4096"], ["M file /f"]],
    ["a hole with and without an item", 4096, [], [extent(300, 0, { disk: 0 })], [], []],
    [
      "equal inline bytes",
      3,
      [extent(300, 0, { inline: "abc" })],
      [extent(300, 0, { inline: "abc" })],
      [],
      [],
    ],
    [
      "other inline bytes",
      3,
      [extent(300, 0, { inline: "abc" })],
      [extent(300, 0, { inline: "abd" })],
      ["0+3"],
      ["M file /f"],
    ],
    [
      "inline bytes and an extent",
      3,
      [extent(300, 0, { inline: "abc" })],
      [extent(300, 0, { disk: 9 })],
      ["0+3"],
      ["M file /f"],
    ],
  ])("reads only what addresses don't tell: %s", (_, size, ours, theirs, reads, listed) => {
    const seen: string[] = [];
    const read = (offset: number, length: number) => {
      seen.push(`${offset}+${length}`);
      return false;
    };
    const base = other(file(300, size, ...theirs)).map((item) =>
      item.type === 96 ? entry(256, 2, "f", { inode: 301 }) : item,
    );
    expect(differences(file(300, size, ...ours), base, read)).toEqual(listed);
    expect(seen).toEqual(reads);
  });

  test("reads a file once, however many names it has", () => {
    const links = (inode: number, disk: number) => {
      const content = Buffer.from(inodeItem(inode, { size: 4096 }).content);
      content.writeUInt32LE(5000, InodeItem.links);
      return [
        inodeItem(256, { mode: 0o40755 }),
        ...Array.from({ length: 5000 }, (_, index) =>
          entry(256, 2 + index, `f${index}`, { inode }),
        ),
        { ...inodeItem(inode), content },
        extent(inode, 0, { disk }),
      ];
    };
    let reads = 0;
    const read = () => {
      reads++;
      return true;
    };
    expect(differences(links(300, 8), links(301, 9), read)).toEqual([]);
    expect(reads).toBe(1);
  });

  test("finds xattrs equal whatever their order, and different by value", () => {
    const tree = (...items: Item[]) => file(300, 0, ...items);
    const one = tree(xattr(300, 5, { "user.a": "1", "user.b": "2" }));
    expect(differences(one, tree(xattr(300, 5, { "user.b": "2", "user.a": "1" })))).toEqual([]);
    expect(differences(one, tree(xattr(300, 5, { "user.a": "1" })))).toEqual(["m file /f"]);
    expect(differences(one, tree(xattr(300, 5, { "user.a": "1", "user.b": "3" })))).toEqual([
      "m file /f",
    ]);
  });
});
