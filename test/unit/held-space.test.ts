/** Space by made-up items: what real disks don't show, or not at will. */
import { describe, expect, test } from "bun:test";
import { readSharing } from "../../lib/btrfs/extent-sharing.ts";
import { ExtentDataRef, ExtentItem, QgroupInfo, QgroupStatus } from "../../lib/btrfs/format.ts";
import { ItemCursor } from "../../lib/btrfs/item-cursor.ts";
import { treesWithNested } from "../../lib/btrfs/nested.ts";
import { readQgroup } from "../../lib/btrfs/qgroups.ts";
import { FakeTree, type Item } from "../support/fake-tree.ts";

const EXTENT = 1024 * 1024;

describe("readQgroup()", () => {
  test.each<[state: string, flags: number | undefined, believed: boolean]>([
    ["on", 1, true],
    ["off", 0, false],
    ["there no longer", undefined, false],
    ["counted anew", 1 | 2, false],
    ["known to be wrong", 1 | 4, false],
    ["of the simple kind", 1 | 8, false],
  ])("believes groups that are %s: %p", (_, flags, believed) => {
    const items = [groupInfo(256, 7, 5), groupInfo(257, 9, 3)];
    const tree = new FakeTree(flags === undefined ? items : [groupStatus(flags), ...items]);
    const found = readQgroup(tree, 257);
    expect(found).toEqual(believed ? { bytes: 9, exclusiveBytes: 3 } : undefined);
    expect(readQgroup(tree, 300)).toBeUndefined();
  });

  test("refuses a group that is cut short", () => {
    const info = groupInfo(257, 9, 3);
    const cut = { ...info, content: info.content.subarray(0, QgroupInfo.size - 1) };
    const tree = new FakeTree([groupStatus(1), cut]);
    expect(() => readQgroup(tree, 257)).toThrow(/QGROUP_INFO.*39 bytes, no group/);
  });
});

describe("readSharing()", () => {
  test.each<[what: string, refs: Buffer[], sharing: object]>([
    ["of one tree", [dataRef(300, 2)], { all: 9, known: 2, hasOther: false }],
    ["of two that are asked about", [dataRef(300, 2), dataRef(301, 1)], { known: 3 }],
    ["of another tree as well", [dataRef(300, 2), dataRef(5, 1)], { known: 2, hasOther: true }],
    ["of a leaf", [leafRef(), dataRef(300, 1)], { known: 1, hasOther: false }],
    ["behind the owner of a simple quota", [ownerRef(), dataRef(5, 1)], { hasOther: true }],
    ["of a kind that nobody knows", [Buffer.from([99]), dataRef(5, 1)], { hasOther: false }],
    ["of none", [], { all: 9, known: 0, hasOther: false }],
  ])("tells references %s", (_, refs, sharing) => {
    const cursor = new ItemCursor(new FakeTree([extentItem(...refs)]));
    expect(readSharing(cursor, EXTENT, new Set([300, 301]))).toMatchObject(sharing);
  });

  test("takes those too that have items of their own", () => {
    const [, ...ref] = dataRef(5, 4);
    const keyed = { ...extentItem(), type: 178, offset: 12345, content: Buffer.from(ref) };
    const cursor = new ItemCursor(new FakeTree([extentItem(dataRef(300, 1)), keyed]));
    const sharing = readSharing(cursor, EXTENT, new Set([300]));
    expect(sharing).toEqual({ all: 9, known: 1, hasOther: true });
  });

  test("knows nothing of an extent that isn't there", () => {
    const cursor = new ItemCursor(new FakeTree([extentItem(dataRef(300, 1))]));
    const sharing = readSharing(cursor, EXTENT + 4096, new Set([300]));
    expect(sharing).toEqual({ all: 0, known: 0, hasOther: false });
  });

  test.each<[string, Item]>([
    ["an item", { ...extentItem(), content: Buffer.alloc(ExtentItem.size - 1) }],
    ["a reference", extentItem(dataRef(300, 1).subarray(0, 20))],
  ])("refuses %s that is cut short", (_, item) => {
    const cursor = new ItemCursor(new FakeTree([item]));
    expect(() => readSharing(cursor, EXTENT, new Set([300]))).toThrow(/EXTENT_ITEM.*bytes/);
  });
});

test("treesWithNested() ends where subvolumes are said to hold each other", () => {
  const tree = new FakeTree([rootRef(300, 301), rootRef(301, 302), rootRef(302, 300)]);
  expect(treesWithNested(tree, 300)).toEqual([300, 301, 302]);
  expect(treesWithNested(tree, 400)).toEqual([400]);
});

function groupStatus(flags: number): Item {
  const content = Buffer.alloc(QgroupStatus.size + 8);
  content.writeUInt32LE(flags, QgroupStatus.flags);
  return { tree: 8, objectid: 0, type: 240, offset: 0, content };
}

function groupInfo(subvolume: number, bytes: number, exclusive: number): Item {
  const content = Buffer.alloc(QgroupInfo.size);
  content.writeUInt32LE(bytes, QgroupInfo.referenced);
  content.writeUInt32LE(exclusive, QgroupInfo.exclusive);
  return { tree: 8, objectid: 0, type: 242, offset: subvolume, content };
}

/** Of nine references, whatever is shown of them. */
function extentItem(...refs: Buffer[]): Item {
  const head = Buffer.alloc(ExtentItem.size);
  head.writeUInt32LE(9, ExtentItem.refs);
  return {
    tree: 2,
    objectid: EXTENT,
    type: 168,
    offset: 4096,
    content: Buffer.concat([head, ...refs]),
  };
}

function dataRef(tree: number, count: number): Buffer {
  const ref = Buffer.alloc(1 + ExtentDataRef.size);
  ref.writeUInt8(178);
  ref.writeUInt32LE(tree, 1 + ExtentDataRef.root);
  ref.writeUInt32LE(count, 1 + ExtentDataRef.count);
  return ref;
}

function leafRef(): Buffer {
  const ref = Buffer.alloc(1 + 12);
  ref.writeUInt8(184);
  return ref;
}

function ownerRef(): Buffer {
  const ref = Buffer.alloc(1 + 8);
  ref.writeUInt8(172);
  return ref;
}

function rootRef(parent: number, child: number): Item {
  return { tree: 1, objectid: parent, type: 156, offset: child, content: Buffer.alloc(20) };
}
