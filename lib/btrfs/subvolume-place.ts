/** Where a subvolume hangs, as the root tree has it by its id. */
import { damaged } from "./damage.ts";
import { ROOT_BACKREF_KEY, ROOT_TREE_OBJECTID, RootRef } from "./format.ts";
import { ItemCursor, u64 } from "./item-cursor.ts";
import type { TreeReader } from "./tree-reader.ts";

export interface SubvolumePlace {
  /** The tree of the subvolume that it is nested in; 5 is the top. */
  readonly parent: number;
  /** Inode number of the directory there. */
  readonly directory: number;
  /** Bytes as latin1. */
  readonly name: string;
}

/** Undefined for the top, for what is deleted, and for what is no subvolume. */
export function readSubvolumePlace(reader: TreeReader, tree: number): SubvolumePlace | undefined {
  const item = new ItemCursor(reader);
  item.aim(ROOT_TREE_OBJECTID, tree, ROOT_BACKREF_KEY, ROOT_BACKREF_KEY);
  if (!item.next()) return undefined;
  const { view, bytes, at, length } = item;
  const nameBytes = length < RootRef.size ? 0 : view.getUint16(at + RootRef.nameLength, true);
  if (nameBytes === 0 || RootRef.size + nameBytes > length) {
    throw damaged(item, `${length} bytes, no place of a subvolume`);
  }
  const name = bytes.subarray(at + RootRef.size, at + RootRef.size + nameBytes);
  return {
    parent: item.offset,
    directory: u64(view, at + RootRef.dirid),
    name: Buffer.from(name).toString("latin1"),
  };
}
