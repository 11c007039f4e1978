/** What kind of thing a directory's entry leads to, by the byte that DIR_INDEX has for it. */
import type { FileType } from "./change.ts";
import { damaged } from "./damage.ts";
import { DirItem, FT_DIR, INODE_ITEM_KEY, ROOT_ITEM_KEY } from "./format.ts";
import type { ItemCursor } from "./item-cursor.ts";

/** By BTRFS_FT_*. */
export const FILE_TYPES: ReadonlyArray<FileType | undefined> = [
  undefined,
  "file",
  "directory",
  "character",
  "block",
  "fifo",
  "socket",
  "symlink",
];
/** A byte of our own for the entry of a subvolume, which the disk calls a directory. */
export const SUBVOLUME = FILE_TYPES.length;

/** @throws Failure for a type that is none */
export function entryType(item: ItemCursor): number {
  const location = item.view.getUint8(item.at + DirItem.locationType);
  const type = item.view.getUint8(item.at + DirItem.type);
  if (location === ROOT_ITEM_KEY && type === FT_DIR) return SUBVOLUME;
  if (location === INODE_ITEM_KEY && FILE_TYPES[type] !== undefined) return type;
  throw damaged(item, `type ${type} with a location of type ${location}`);
}
