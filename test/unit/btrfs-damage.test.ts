/**
 * Every kind of damage that a disk could show: each ends in a failure that names
 * the item, never in a crash, a hang or a wrong path.
 */
import { describe, expect, test } from "bun:test";
import { diffTrees } from "../../lib/btrfs/diff-trees.ts";
import { FileExtentItem, ROOT_BACKREF_KEY } from "../../lib/btrfs/format.ts";
import type { SearchKey } from "../../lib/btrfs/search-key.ts";
import { Failure } from "../../lib/fault.ts";
import { backref, entry, extent, inodeItem, xattr } from "../support/btrfs-items.ts";
import { FakeTree, type Item } from "../support/fake-tree.ts";
import { differences } from "../support/made-up-diff.ts";

const DIR = 2;
const LINK = 7;

function damageOf(path: string, inode: number): RegExp {
  return new RegExp(`^Cannot read btrfs metadata of ${path}: item \\(${inode} `);
}

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

  const paths = new Map([
    [256, "/"],
    [257, "/dir"],
    [258, "/file"],
    [259, "/link"],
  ]);
  const pathOf = ({ tree, objectid }: Item) => (tree === 270 ? "/sub" : paths.get(objectid)!);

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
        const path = cut.type === ROOT_BACKREF_KEY ? "/" : pathOf(cut);
        const told = outcome(items);
        // The text of a link and an empty set of xattrs have no length of their own.
        const isWhole =
          (cut.type === 108 && length >= 21 && cut.objectid === 259) ||
          (cut.type === 24 && length === 0);
        if (isWhole) expect(told).toBeArray();
        else expect(told).toMatch(damageOf(path, cut.objectid));
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
    expect(() => differences(deep)).toThrow(
      /^Cannot list what is in a directory more than 4096 deep, the first in \/d\/d/,
    );
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
    expect(walk).toThrow(/^Cannot read btrfs metadata of \/\S*: item/);
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
