/**
 * Whether two inodes differ, and in what: content first, then what is around it.
 *
 * ctime can't be set, and counts only where a snapshot made both of one inode: there
 * it tells that something was done, if only to the flags of chattr, which are not
 * compared themselves, for the kernel sets some by itself.
 */
import type { Exact } from "../exact.ts";
import type { FileType, Time } from "./change.ts";
import { ExtentMap, type SameBytes, sameExtents } from "./extents.ts";
import { type InodeDetails, readLinkText } from "./inode.ts";
import type { ItemCursor } from "./item-cursor.ts";
import { compareBytes } from "./sort.ts";

/** Where extents begin and end; the least there is. */
const SECTOR_BYTES = 4096n;

/** One side of a comparison. */
export interface Half {
  /** Where `readInode()` left it, the extents included. */
  readonly cursor: ItemCursor;
  readonly inode: InodeDetails;
}

/** Compares what is not content. A directory's mtime is its entries' affair: see `sameTimes`. */
export function sameMetadata(left: InodeDetails, right: InodeDetails): boolean {
  return (
    left.mode === right.mode &&
    left.uid === right.uid &&
    left.gid === right.gid &&
    left.links === right.links &&
    sameXattrs(left.xattrs, right.xattrs)
  );
}

/** @param comparable whether both lie on one file system */
export function sameTimes(left: InodeDetails, right: InodeDetails, comparable: boolean): boolean {
  if (!sameTime(left.mtime, right.mtime)) return false;
  return !(comparable && areOne(left, right)) || sameTime(left.ctime, right.ctime);
}

/**
 * Whether both are one inode that snapshots share. Numbers alone are given out by each
 * subvolume; two made under one number in one transaction and within a tick of the clock
 * can't be told from one.
 */
function areOne(left: InodeDetails, right: InodeDetails): boolean {
  return (
    left.inode === right.inode &&
    left.generation === right.generation &&
    sameTime(left.otime, right.otime)
  );
}

function sameTime(left: Time, right: Time): boolean {
  return left.seconds === right.seconds && left.nanoseconds === right.nanoseconds;
}

/**
 * Compares the content of two inodes of one type: bytes, the text of a link, the
 * number of a device. Directories, fifos and sockets have none of their own.
 *
 * @param comparable whether both lie on one file system
 */
export function sameContent(
  type: FileType,
  left: Half,
  right: Half,
  comparable: boolean,
  sameBytes: SameBytes,
): boolean {
  if (type === "character" || type === "block") return left.inode.device === right.inode.device;
  if (type !== "file" && type !== "symlink") return true;
  const { sizeBytes } = left.inode;
  if (sizeBytes !== right.inode.sizeBytes) return false;
  if (sizeBytes === 0) return true;
  if (type === "symlink") return sameText(readLinkText(left.cursor), readLinkText(right.cursor));
  const [ours, theirs] = [new ExtentMap(left.cursor), new ExtentMap(right.cursor)];
  return sameExtents(ours, theirs, inSectors(sizeBytes), comparable, sameBytes);
}

/** A number for a size: from 2^53 on that of the sectors, which begins and ends with all extents. */
function inSectors(sizeBytes: Exact): number {
  if (typeof sizeBytes === "number") return sizeBytes;
  return Number((sizeBytes + SECTOR_BYTES - 1n) / SECTOR_BYTES) * Number(SECTOR_BYTES);
}

function sameXattrs(
  left: ReadonlyMap<string, string>,
  right: ReadonlyMap<string, string>,
): boolean {
  if (left.size !== right.size) return false;
  for (const [name, value] of left) if (right.get(name) !== value) return false;
  return true;
}

function sameText(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return left === right;
  return compareBytes(left, 0, left.length, right, 0, right.length) === 0;
}
