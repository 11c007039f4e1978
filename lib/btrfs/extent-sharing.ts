/**
 * What the extent tree says of the references to one extent, without following them.
 *
 * A reference is either a tree's own, which its leaves make and which is counted
 * there by tree, or a leaf's, which may belong to any number of trees.
 */
import { damaged } from "./damage.ts";
import {
  EXTENT_DATA_REF_KEY,
  EXTENT_ITEM_KEY,
  EXTENT_OWNER_REF_KEY,
  EXTENT_TREE_OBJECTID,
  ExtentDataRef,
  ExtentItem,
  SHARED_DATA_REF_KEY,
} from "./format.ts";
import { type ItemCursor, u64 } from "./item-cursor.ts";

export interface Sharing {
  /** References in all; 0 where the extent tree has no such extent. */
  readonly all: number;
  /** Those that are of the trees asked about. */
  readonly known: number;
  /** Whether one is of another tree. */
  readonly hasOther: boolean;
}

/** Bytes of a reference behind its type, by which it is stepped over: a root's or a leaf's, with a count. */
const OWNER_REF_BYTES = 8;
const SHARED_REF_BYTES = 12;

/** @param trees asked about */
export function readSharing(
  cursor: ItemCursor,
  address: number,
  trees: ReadonlySet<number>,
): Sharing {
  const sharing = { all: 0, known: 0, hasOther: false };
  cursor.aim(EXTENT_TREE_OBJECTID, address, EXTENT_ITEM_KEY, EXTENT_DATA_REF_KEY);
  while (cursor.next()) {
    if (cursor.type === EXTENT_ITEM_KEY) readExtentItem(cursor, trees, sharing);
    // Of the many that don't fit into the item each has one of its own.
    if (cursor.type === EXTENT_DATA_REF_KEY) countDataRef(cursor, cursor.at, trees, sharing);
  }
  return sharing;
}

function readExtentItem(
  item: ItemCursor,
  trees: ReadonlySet<number>,
  sharing: { all: number; known: number; hasOther: boolean },
): void {
  const { view, length } = item;
  if (length < ExtentItem.size) throw damaged(item, `${length} bytes, no extent`);
  sharing.all = u64(view, item.at + ExtentItem.refs);
  const end = item.at + length;
  for (let at = item.at + ExtentItem.size; at < end; ) {
    const type = view.getUint8(at);
    at++;
    if (type === EXTENT_DATA_REF_KEY) countDataRef(item, at, trees, sharing);
    const bytes = sizeOfReference(type);
    // A kind that we don't know: what is not counted as known makes a closer look.
    if (bytes === undefined) return;
    at += bytes;
  }
}

function sizeOfReference(type: number): number | undefined {
  if (type === EXTENT_DATA_REF_KEY) return ExtentDataRef.size;
  if (type === SHARED_DATA_REF_KEY) return SHARED_REF_BYTES;
  return type === EXTENT_OWNER_REF_KEY ? OWNER_REF_BYTES : undefined;
}

function countDataRef(
  item: ItemCursor,
  at: number,
  trees: ReadonlySet<number>,
  sharing: { known: number; hasOther: boolean },
): void {
  const { view } = item;
  if (at + ExtentDataRef.size > item.at + item.length) {
    throw damaged(item, `${item.length} bytes, ends in a reference`);
  }
  if (trees.has(u64(view, at + ExtentDataRef.root))) {
    sharing.known += view.getUint32(at + ExtentDataRef.count, true);
  } else sharing.hasOther = true;
}
