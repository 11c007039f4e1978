/**
 * Whether two open files are the very same bytes of one btrfs: a reflinked copy
 * and its original are known for equal by their metadata, however large they are.
 *
 * "No" means that nothing is known, and that the bytes have to be read.
 */
import { fstatSync, fsyncSync } from "node:fs";
import { ExtentMap, sameExtents } from "../btrfs/extents.ts";
import { EXTENT_DATA_KEY } from "../btrfs/format.ts";
import { ItemCursor } from "../btrfs/item-cursor.ts";
import { Refusal } from "../fault.ts";
import { subvolumeOf } from "./btrfs-ioctl.ts";
import { TreeSearch } from "./tree-search.ts";

/** @param a,b descriptors open for reading; @param sizeBytes of both */
export function shareAllExtents(a: number, b: number, sizeBytes: number): boolean {
  const ours = searchOf(a);
  const theirs = searchOf(b);
  if (ours === undefined || ours.filesystem !== theirs?.filesystem) return false;
  const sameBytes = () => false;
  return sameExtents(extentsOf(a, ours), extentsOf(b, theirs), sizeBytes, true, sameBytes);
}

/** Undefined on any other file system than btrfs. */
function searchOf(fd: number): TreeSearch | undefined {
  try {
    return new TreeSearch(fd);
  } catch (error) {
    if (error instanceof Refusal) return undefined;
    throw error;
  }
}

function extentsOf(fd: number, search: TreeSearch): ExtentMap {
  settle(fd);
  const cursor = new ItemCursor(search);
  cursor.aim(subvolumeOf(fd), fstatSync(fd).ino, EXTENT_DATA_KEY, EXTENT_DATA_KEY);
  return new ExtentMap(cursor);
}

/** What is still to be written has no address yet. */
function settle(fd: number): void {
  try {
    fsyncSync(fd);
  } catch (error) {
    // Opened for reading alone: nothing is to be written.
    if ((error as NodeJS.ErrnoException).code !== "EROFS") throw error;
  }
}
