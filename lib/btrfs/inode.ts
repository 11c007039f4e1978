/**
 * One inode read from a tree: its INODE_ITEM and xattrs, or the text of a link.
 *
 * They lie next to each other, so one search brings both, and a file's extents
 * with them for whoever goes on to compare content.
 */
import type { Inode, Time } from "./change.ts";
import { damaged, type Place } from "./damage.ts";
import {
  DirItem,
  EMPTY_SUBVOL_DIR_OBJECTID,
  type EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FileExtentItem,
  INODE_ITEM_KEY,
  InodeItem,
  Timespec,
  XATTR_ITEM_KEY,
} from "./format.ts";
import { exactI64, exactU64, type ItemCursor, u64 } from "./item-cursor.ts";

/** What an inode says of itself, xattrs included. */
export interface InodeDetails extends Inode {
  readonly inode: number;
  readonly tree: number;
  /** The transaction that it was made in. */
  readonly generation: number;
  /** When it was made. */
  readonly otime: Time;
  /** When something was last done to it, of whatever kind; can't be set. */
  readonly ctime: Time;
  /** Number of a device node, 0 for everything else. */
  readonly device: number;
  /** Values by name, both as Latin-1 text of their bytes. */
  readonly xattrs: ReadonlyMap<string, string>;
}

const NEVER: Time = { seconds: 0, nanoseconds: 0 };
/** The empty directory that the kernel invents for the stub of a nested subvolume. */
const STUB = {
  sizeBytes: 0,
  mode: 0o40755,
  uid: 0,
  gid: 0,
  links: 1,
  device: 0,
  generation: 0,
  mtime: NEVER,
  ctime: NEVER,
  otime: NEVER,
} as const;

/**
 * Reads an inode and its xattrs. Undefined where the tree has no such inode.
 *
 * @param through the last type of item that is wanted; with EXTENT_DATA the cursor
 *   then goes on with the extents
 */
export function readInode(
  cursor: ItemCursor,
  tree: number,
  inode: number,
  through: typeof XATTR_ITEM_KEY | typeof EXTENT_DATA_KEY = XATTR_ITEM_KEY,
): InodeDetails | undefined {
  const xattrs = new Map<string, string>();
  if (inode === EMPTY_SUBVOL_DIR_OBJECTID) {
    return { ...STUB, inode, tree, xattrs };
  }
  cursor.aim(tree, inode, INODE_ITEM_KEY, through);
  if (!cursor.next()) return undefined;
  const { type, offset } = cursor;
  if (type !== INODE_ITEM_KEY || offset !== 0) {
    throw damaged(cursor, "comes first of its inode, expected an INODE_ITEM");
  }
  const item = decodeInode(cursor);
  readXattrs(cursor, xattrs);
  return { ...item, inode, tree, xattrs };
}

/**
 * The text of a symlink, kept inline and never compressed; undefined where it is
 * gone. Goes on where `readInode()` left the cursor.
 */
export function readLinkText(cursor: ItemCursor): Uint8Array | undefined {
  if (!cursor.next()) return undefined;
  const { at, length, view } = cursor;
  requireLength(cursor, length, FileExtentItem.inlineData);
  const type = view.getUint8(at + FileExtentItem.type);
  const compression = view.getUint8(at + FileExtentItem.compression);
  if (type !== FILE_EXTENT_INLINE || compression !== 0 || cursor.offset !== 0) {
    throw damaged(cursor, "not the text of a symlink, expected one inline, plain extent");
  }
  return cursor.bytes.slice(at + FileExtentItem.inlineData, at + length);
}

function decodeInode(item: ItemCursor): Omit<InodeDetails, "inode" | "tree" | "xattrs"> {
  const { view, at } = item;
  requireLength(item, item.length, InodeItem.size);
  return {
    generation: u64(view, at + InodeItem.generation),
    sizeBytes: exactU64(view, at + InodeItem.sizeBytes),
    mode: view.getUint32(at + InodeItem.mode, true),
    uid: view.getUint32(at + InodeItem.uid, true),
    gid: view.getUint32(at + InodeItem.gid, true),
    links: view.getUint32(at + InodeItem.links, true),
    device: u64(view, at + InodeItem.device),
    mtime: timeAt(view, at + InodeItem.mtime),
    ctime: timeAt(view, at + InodeItem.ctime),
    otime: timeAt(view, at + InodeItem.otime),
  };
}

export function timeAt(view: DataView, at: number): Time {
  return {
    seconds: exactI64(view, at + Timespec.seconds),
    nanoseconds: view.getUint32(at + Timespec.nanoseconds, true),
  };
}

function readXattrs(cursor: ItemCursor, into: Map<string, string>): void {
  while (cursor.next()) {
    if (cursor.type > XATTR_ITEM_KEY) {
      cursor.stepBack();
      return;
    }
    if (cursor.type === XATTR_ITEM_KEY) decodeXattrs(cursor, into);
  }
}

/** An XATTR_ITEM holds one entry for each name with its hash. */
function decodeXattrs(item: ItemCursor, into: Map<string, string>): void {
  const { view, bytes } = item;
  const end = item.at + item.length;
  for (let at = item.at; at < end; ) {
    requireLength(item, end - at, DirItem.size);
    const nameLength = view.getUint16(at + DirItem.nameLength, true);
    const dataLength = view.getUint16(at + DirItem.dataLength, true);
    requireLength(item, end - at, DirItem.size + nameLength + dataLength);
    const name = at + DirItem.size;
    const data = name + nameLength;
    at = data + dataLength;
    into.set(latin1(bytes, name, data), latin1(bytes, data, at));
  }
}

function requireLength(place: Place, bytes: number, expected: number): void {
  if (bytes < expected) throw damaged(place, `${bytes} bytes left, expected at least ${expected}`);
}

function latin1(bytes: Uint8Array, from: number, to: number): string {
  let text = "";
  for (let index = from; index < to; index++) text += String.fromCharCode(bytes[index]!);
  return text;
}
