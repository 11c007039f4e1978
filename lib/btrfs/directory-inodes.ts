/**
 * What stat(2) tells of all that is in a directory, read from the tree: a page of metadata
 * has hundreds of inodes, which the kernel would else read one by one and keep.
 *
 * For trees that nobody writes to. A change of others may still wait to be brought there.
 */
import type { InodeStatus } from "../inode-status.ts";
import type { Time } from "./change.ts";
import { damaged } from "./damage.ts";
import { Listing } from "./directory.ts";
import { INODE_ITEM_KEY, InodeItem, XATTR_ITEM_KEY } from "./format.ts";
import { timeAt } from "./inode.ts";
import { ItemCursor } from "./item-cursor.ts";
import { ReadAhead } from "./read-ahead.ts";
import type { Subvolume } from "./side.ts";

/** BTRFS_INODE_IMMUTABLE and BTRFS_INODE_APPEND. */
const IMMUTABLE = 1 << 6;
const APPEND = 1 << 7;
/** These and all else that chattr sets: NODATACOW, NOCOMPRESS, SYNC, NODUMP, NOATIME, DIRSYNC, COMPRESS. */
const CHATTR = IMMUTABLE | APPEND | 2 | 8 | 32 | 256 | 512 | 1024 | 2048;
const PERMISSIONS = 0o7777;
const BILLION = 1_000_000_000n;

export interface DirectoryInode {
  readonly name: Uint8Array;
  /** Undefined for what the kernel alone can tell: nodes, sockets, nested subvolumes. */
  readonly status: InodeStatus | undefined;
}

export class DirectoryInodes {
  readonly #tree: number;
  readonly #device: bigint;
  readonly #directories: ItemCursor;
  readonly #inodes: ItemCursor;
  readonly #listing = new Listing();

  /** @param device of all inodes, as stat(2) tells it */
  constructor({ tree, inodes }: Pick<Subvolume, "tree" | "inodes">, device: bigint) {
    this.#tree = tree;
    this.#device = device;
    // Names, and what was made in the directory right after it, are often of one block.
    const reader = new ReadAhead(inodes);
    this.#directories = new ItemCursor(reader);
    this.#inodes = new ItemCursor(reader);
  }

  /**
   * @param directory its inode number
   * @throws Failure for damaged metadata
   */
  *of(directory: number): Generator<DirectoryInode> {
    const listing = this.#listing;
    listing.load(this.#directories, this.#tree, directory);
    for (let rank = 0; rank < listing.count; rank++) {
      const name = listing.name(rank).slice();
      const type = listing.type(rank);
      const isPlain = type === "file" || type === "directory" || type === "symlink";
      yield { name, status: isPlain ? this.#status(type, listing.child(rank)) : undefined };
    }
  }

  #status(type: InodeStatus["type"], inode: number): InodeStatus | undefined {
    const item = this.#inodes;
    item.aim(this.#tree, inode, INODE_ITEM_KEY, XATTR_ITEM_KEY);
    if (!item.next() || item.type !== INODE_ITEM_KEY) return undefined;
    if (item.length < InodeItem.size) {
      throw damaged(item, `${item.length} bytes left, expected at least ${InodeItem.size}`);
    }
    const status = new TreeStatus(type, item, inode, this.#device);
    status.isBare &&= !hasAttributes(item);
    return status;
  }
}

/** Few of the times are ever asked for, and a number of 64 bits is dear. */
class TreeStatus implements InodeStatus {
  readonly type: InodeStatus["type"];
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly device: bigint;
  readonly inode: bigint;
  readonly links: number;
  readonly rdev = 0n;
  readonly isImmutable: boolean;
  readonly isAppendOnly: boolean;
  /** As far as its flags tell. */
  isBare: boolean;
  readonly #atime: Time;
  readonly #mtime: Time;
  readonly #ctime: Time;

  constructor(type: InodeStatus["type"], item: ItemCursor, inode: number, device: bigint) {
    const { view, at } = item;
    const flags = view.getUint32(at + InodeItem.flags, true);
    this.type = type;
    this.mode = view.getUint32(at + InodeItem.mode, true) & PERMISSIONS;
    this.uid = view.getUint32(at + InodeItem.uid, true);
    this.gid = view.getUint32(at + InodeItem.gid, true);
    this.sizeBytes = Number(view.getBigUint64(at + InodeItem.sizeBytes, true));
    this.device = device;
    this.inode = BigInt(inode);
    this.links = view.getUint32(at + InodeItem.links, true);
    this.isImmutable = (flags & IMMUTABLE) !== 0;
    this.isAppendOnly = (flags & APPEND) !== 0;
    this.isBare = (flags & CHATTR) === 0;
    this.#atime = timeAt(view, at + InodeItem.atime);
    this.#mtime = timeAt(view, at + InodeItem.mtime);
    this.#ctime = timeAt(view, at + InodeItem.ctime);
  }

  get atimeNs(): bigint {
    return nanosecondsOf(this.#atime);
  }

  get mtimeNs(): bigint {
    return nanosecondsOf(this.#mtime);
  }

  get ctimeNs(): bigint {
    return nanosecondsOf(this.#ctime);
  }
}

/** Moves on behind the inode itself, to its names and what else it has. */
function hasAttributes(item: ItemCursor): boolean {
  while (item.next()) if (item.type === XATTR_ITEM_KEY) return true;
  return false;
}

function nanosecondsOf({ seconds, nanoseconds }: Time): bigint {
  return BigInt(seconds) * BILLION + BigInt(nanoseconds);
}
