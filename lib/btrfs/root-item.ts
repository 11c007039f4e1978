/**
 * What the root tree says of a subvolume: who it is a snapshot of, and since when
 * it may differ from that.
 */
import { damaged } from "./damage.ts";
import {
  ROOT_ITEM_KEY,
  ROOT_SUBVOL_RDONLY,
  ROOT_TREE_OBJECTID,
  RootItem,
  UUID_SIZE,
} from "./format.ts";
import { ItemCursor, u64 } from "./item-cursor.ts";
import type { TreeReader } from "./tree-reader.ts";

export interface SubvolumeRecord {
  /** In hex. */
  readonly uuid: string;
  /** Of what this was made a snapshot of; undefined where it is none. */
  readonly parentUuid: string | undefined;
  readonly isReadOnly: boolean;
  /** The transaction of its last change. Taking a snapshot of it is none. */
  readonly ctransid: number;
  /** The transaction of its last change, or of a snapshot that was taken of it. */
  readonly generation: number;
  /** The transaction that it was made in. */
  readonly otransid: number;
  /** The transaction of the last snapshot that was taken of it, or that it was made as. */
  readonly lastSnapshot: number;
  /** Size of its tree: a measure of the number of its files. */
  readonly treeBytes: number;
}

const NO_UUID = "0".repeat(2 * UUID_SIZE);

/** Undefined where there is no such subvolume, or where its record is too old to say all that. */
export function readSubvolumeRecord(reader: TreeReader, tree: number): SubvolumeRecord | undefined {
  const cursor = new ItemCursor(reader);
  cursor.aim(ROOT_TREE_OBJECTID, tree, ROOT_ITEM_KEY, ROOT_ITEM_KEY);
  let record: SubvolumeRecord | undefined;
  // A snapshot's key has its transaction as offset; there is one item all the same.
  while (cursor.next()) record = decode(cursor);
  return record;
}

function decode(item: ItemCursor): SubvolumeRecord | undefined {
  const { view, bytes, at, length } = item;
  if (length < RootItem.generationV2) {
    throw damaged(item, `${length} bytes, expected at least ${RootItem.generationV2}`);
  }
  const generation = u64(view, at + RootItem.generation);
  // A kernel that knows no uuid leaves the second generation behind: they are stale then.
  if (length < RootItem.size || u64(view, at + RootItem.generationV2) !== generation) {
    return undefined;
  }
  const uuidAt = (field: number) => bytes.subarray(at + field, at + field + UUID_SIZE).toHex();
  const parentUuid = uuidAt(RootItem.parentUuid);
  return {
    generation,
    uuid: uuidAt(RootItem.uuid),
    parentUuid: parentUuid === NO_UUID ? undefined : parentUuid,
    isReadOnly: (view.getUint32(at + RootItem.flags, true) & ROOT_SUBVOL_RDONLY) !== 0,
    ctransid: u64(view, at + RootItem.ctransid),
    otransid: u64(view, at + RootItem.otransid),
    lastSnapshot: u64(view, at + RootItem.lastSnapshot),
    treeBytes: u64(view, at + RootItem.bytesUsed),
  };
}
