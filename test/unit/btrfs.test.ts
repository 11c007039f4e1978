/**
 * The metadata reader on made-up trees: order, carry, stubs, and every kind of
 * damage that a disk could show, each ending in a failure that names the item.
 */
import { describe, expect, test } from "bun:test";
import { diffTrees } from "../../lib/btrfs/diff-trees.ts";
import { FileExtentItem, InodeItem } from "../../lib/btrfs/format.ts";
import { ItemCursor } from "../../lib/btrfs/item-cursor.ts";
import { ReadAhead } from "../../lib/btrfs/read-ahead.ts";
import { SearchKey } from "../../lib/btrfs/search-key.ts";
import { compareBytes, sortOrder } from "../../lib/btrfs/sort.ts";
import { Failure } from "../../lib/fault.ts";
import { visible } from "../../lib/text.ts";
import { backref, entry, extent, inodeItem, xattr } from "../support/btrfs-items.ts";
import { FakeTree, type Item } from "../support/fake-tree.ts";

const DIR = 2;
const LINK = 7;
const U32_MAX = 0xffffffff;

function differences(
  root: Item[],
  base?: Item[],
  read: (offset: number, length: number) => boolean = () => {
    throw new Error("read, though addresses tell");
  },
): string[] {
  const lines: string[] = [];
  const side = (items: Item[]) => ({
    reader: new FakeTree(items),
    inodes: new FakeTree(items),
    tree: 5,
  });
  const content = (_path: Uint8Array, _a: unknown, _b: unknown, offset: number, length: number) =>
    read(offset, length);
  diffTrees({ root: side(root), base: base && side(base) }, { content }, (change) => {
    const text = change.linkText();
    const link = text === undefined ? "" : ` -> ${visible(text)}`;
    lines.push(`${change.status} ${change.type} ${visible(change.path)}${link}`);
  });
  return lines;
}

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

  function itemsOf(cursor: ItemCursor, inode: number, last: number): string[] {
    const found: string[] = [];
    cursor.aim(5, inode, 1, last);
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

describe("diffTrees() on damage", () => {
  /** One of each item, compared with a tree that has other content everywhere. */
  const sound: Item[] = [
    inodeItem(256, { mode: 0o40755 }),
    entry(256, 2, "dir", { inode: 257, type: DIR }),
    entry(256, 3, "file", { inode: 258 }),
    entry(256, 4, "link", { inode: 259, type: LINK }),
    entry(256, 5, "sub", { subvolume: 270 }),
    backref(270, 5, 256, "sub"),
    inodeItem(256, { mode: 0o40755 }, 270),
    inodeItem(257, { mode: 0o40755 }),
    inodeItem(258, { size: 8192 }),
    xattr(258, 9, { "user.a": "1" }),
    extent(258, 0, { disk: 5 }),
    extent(258, 4096, { disk: 6 }),
    inodeItem(259, { mode: 0o120777, size: 4 }),
    extent(259, 0, { inline: "text" }),
  ];
  const base = sound.map((item) => {
    const content = Buffer.from(item.content);
    if (item.type === 1) content.writeUInt32LE(5, 44);
    if (item.type === 108) content[FileExtentItem.diskBytenr]! ^= 1;
    return { ...item, content };
  });
  const all = ["m directory /dir", "m file /file", "M symlink /link -> text", "m subvolume /sub"];

  test("lists all of the sound tree (positive control)", () => {
    expect(differences(sound, base, () => true)).toEqual(["m directory /", ...all]);
  });

  test.each(sound.map((item) => [`type ${item.type} of ${item.objectid}`, item] as const))(
    "fails, and says where, when an item is cut short: %s",
    (_, cut) => {
      for (let length = 0; length < cut.content.length; length++) {
        const items = sound.map((item) =>
          item === cut ? { ...item, content: cut.content.subarray(0, length) } : item,
        );
        const place = `(${cut.objectid} `;
        const told = outcome(items);
        // The text of a link and an empty set of xattrs have no length of their own.
        const isWhole =
          (cut.type === 108 && length >= 21 && cut.objectid === 259) ||
          (cut.type === 24 && length === 0);
        if (isWhole) expect(told).toBeArray();
        else expect(told).toStartWith(`Cannot read btrfs metadata: item ${place}`);
      }
    },
  );

  test("ends, with a failure or a list, whatever bit is flipped", () => {
    let failed = 0;
    for (const [index, flipped] of sound.entries()) {
      for (let bit = 0; bit < flipped.content.length * 8; bit++) {
        const content = Buffer.from(flipped.content);
        content[bit >> 3]! ^= 1 << (bit & 7);
        const told = outcome(sound.with(index, { ...flipped, content }));
        if (typeof told === "string") failed++;
        else expect(told.every((line) => /^[AMmTD] [a-z]+ \//.test(line))).toBe(true);
      }
    }
    expect(failed).toBeGreaterThan(100);
  });

  test.each<[name: string, change: (items: Item[]) => Item[], message: RegExp]>([
    [
      'a name of ".."',
      (items) => items.with(2, entry(256, 3, "..", { inode: 258 })),
      /a name of "\.\."/,
    ],
    [
      "a name with a slash",
      (items) => items.with(2, entry(256, 3, "a/b", { inode: 258 })),
      /a name that contains byte 47/,
    ],
    [
      "a name with a NUL",
      (items) => items.with(2, entry(256, 3, "a\0b", { inode: 258 })),
      /a name that contains byte 0/,
    ],
    [
      "an entry of unknown type",
      (items) => items.with(2, entry(256, 3, "f", { inode: 258, type: 9 })),
      /type 9 with a location/,
    ],
    [
      "a directory within itself",
      (items) => [...items, entry(257, 2, "again", { inode: 256, type: DIR })],
      /contains itself/,
    ],
    [
      "a subvolume within itself",
      (items) => [
        ...items,
        entry(256, 2, "again", { subvolume: 5 }, 270),
        backref(5, 270, 256, "again"),
      ],
      /contains itself/,
    ],
    [
      "a missing inode",
      (items) => items.filter((item) => item.objectid !== 258),
      /\(258 INODE_ITEM 0\).*missing/,
    ],
    [
      "extents that overlap",
      (items) => [...items, extent(258, 2048, { disk: 7 })],
      /begins inside the extent before/,
    ],
    [
      "an extent of no length",
      (items) => items.with(10, extent(258, 0, { disk: 5, length: 0 })),
      /an extent that ends at 0/,
    ],
  ])("names %s", (_, change, message) => {
    expect(outcome(change(sound))).toMatch(message);
  });

  test("stops at a depth that no path reaches", () => {
    const deep = Array.from({ length: 5000 }, (_, depth) =>
      entry(256 + depth, 2, "d", { inode: 257 + depth, type: DIR }),
    );
    expect(() => differences(deep)).toThrow(/4096 directories deep/);
  });

  /** Where the header of the second item lies, after one of a header and a name of one byte. */
  const second = 16 + 32 + 31;
  test.each<[name: string, break_: (page: { view: DataView; count: number }) => void]>([
    ["keys that don't rise", ({ view }) => view.setUint32(second + 16, 2, true)],
    ["an inode that was not asked for", ({ view }) => view.setUint32(16 + 8, 999, true)],
    ["an item longer than the page", ({ view }) => view.setUint32(16 + 28, 1 << 20, true)],
    [
      "more items than the page holds",
      (page) => {
        page.count = 1000;
      },
    ],
  ])("does not trust a page with %s", (_, break_) => {
    class Broken extends FakeTree {
      override search(key: SearchKey) {
        const page = super.search(key);
        break_(page);
        return page;
      }
    }
    const reader = new Broken([
      entry(256, 2, "f", { inode: 300 }),
      entry(256, 3, "g", { inode: 301 }),
    ]);
    const walk = () =>
      diffTrees(
        { root: { reader, inodes: reader, tree: 5 }, base: undefined },
        { content: () => true },
        () => {},
      );
    expect(walk).toThrow(/^Cannot read btrfs metadata: item/);
  });

  function outcome(items: Item[]): string | string[] {
    try {
      return differences(items, base, () => true);
    } catch (fault) {
      if (fault instanceof Failure) return fault.message;
      throw fault;
    }
  }
});
