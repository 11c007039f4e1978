/**
 * One of the two trees of a comparison, with all that a walk of it uses again.
 *
 * Each side has a reader of its own, so that an inode of one can be held against
 * an inode of the other while both pages are still lent.
 */
import type { FileType } from "./change.ts";
import { damaged } from "./damage.ts";
import { Listing } from "./directory.ts";
import {
  EMPTY_SUBVOL_DIR_OBJECTID,
  EXTENT_DATA_KEY,
  FIRST_FREE_OBJECTID,
  INODE_ITEM_KEY,
  ROOT_BACKREF_KEY,
  ROOT_TREE_OBJECTID,
  RootRef,
  XATTR_ITEM_KEY,
} from "./format.ts";
import { type InodeDetails, readInode } from "./inode.ts";
import { ItemCursor, u64 } from "./item-cursor.ts";
import { leadsTo } from "./listing-queries.ts";
import { ReadAhead } from "./read-ahead.ts";
import { compareBytes } from "./sort.ts";
import { DEPTH_MAX } from "./too-deep.ts";
import type { TreeReader } from "./tree-reader.ts";

/** An inode: its number, and the tree of the subvolume that holds it. */
export interface InodeId {
  readonly tree: number;
  readonly inode: number;
}

/** What an entry of a directory leads to. */
export interface Target extends InodeId {
  readonly type: FileType;
  /** The directory of the entry; the top of the subvolume has none. */
  readonly parent: InodeId | undefined;
}

/** A directory on the way of a walk, and the entry that it is at. */
export interface Level {
  directory: InodeId;
  readonly listing: Listing;
  rank: number;
  /** Whether base has nothing of what is in it. */
  isAdded: boolean;
  /** Of the directory's own path. */
  pathLength: number;
}

/** Whether this is the empty directory that a snapshot has in place of a nested subvolume. */
export function isStub({ inode }: InodeId): boolean {
  return inode === EMPTY_SUBVOL_DIR_OBJECTID;
}

/** A subvolume to be read: its tree, and two readers that nobody else uses. */
export interface Subvolume {
  readonly reader: TreeReader;
  /** For inodes, whose pages are kept while directories are listed. */
  readonly inodes: TreeReader;
  readonly tree: number;
}

export class Side {
  readonly reader: TreeReader;
  /** The top directory. */
  readonly top: Target;
  /** For directories; free whenever a change is being reported. */
  readonly #directories: ItemCursor;
  /** Where `inode()` left it, for what follows. */
  readonly cursor: ItemCursor;
  /** Of the directories on the way, and of those that were deeper: used again. */
  readonly #levels: Level[] = [];
  #depth = 0;
  readonly #newSince: number | undefined;
  /** Of the directory that the walk began at: 0 unless it is a part of another walk. */
  topDepth = 0;

  /** @param newSince of its listings */
  constructor({ reader, inodes, tree }: Subvolume, newSince?: number) {
    this.#newSince = newSince;
    this.reader = reader;
    this.top = { type: "directory", tree, inode: FIRST_FREE_OBJECTID, parent: undefined };
    this.#directories = new ItemCursor(reader);
    this.cursor = new ItemCursor(new ReadAhead(inodes));
  }

  /** Lists a directory one level below the last one entered. Every `enter()` wants a `leave()`. */
  enter(directory: InodeId): Level {
    this.#refuseLoops(directory);
    const level = this.#levels[this.#depth] ?? newLevel(directory, this.#newSince);
    this.#levels[this.#depth++] = level;
    level.directory = directory;
    level.rank = 0;
    level.isAdded = false;
    level.listing.load(this.#directories, directory.tree, directory.inode);
    return level;
  }

  leave(): void {
    this.#depth--;
  }

  /** Whether no directory in the one at hand may be entered. */
  get isDeepest(): boolean {
    return this.topDepth + this.#depth >= DEPTH_MAX;
  }

  /** The directories on the way, the deepest first. */
  levels(): Level[] {
    return this.#levels.slice(0, this.#depth).reverse();
  }

  /** Resolves the entry at hand. */
  target({ directory, listing, rank }: Level): Target {
    const child = listing.child(rank);
    const type = listing.type(rank);
    const { tree } = directory;
    if (type !== undefined) return { type, tree, inode: child, parent: directory };
    if (this.#isNestedHere(directory, child, listing.name(rank))) {
      return { type: "subvolume", tree: child, inode: FIRST_FREE_OBJECTID, parent: directory };
    }
    return { type: "directory", tree, inode: EMPTY_SUBVOL_DIR_OBJECTID, parent: directory };
  }

  /**
   * Reads the inode of an entry; content can then be read on from the cursor.
   * Undefined where both went away since the directory was listed.
   */
  inode(target: Target): InodeDetails | undefined {
    const { tree, inode, type } = target;
    const hasExtents = type === "file" || type === "symlink";
    const through = hasExtents ? EXTENT_DATA_KEY : XATTR_ITEM_KEY;
    const details = readInode(this.cursor, tree, inode, through);
    if (details === undefined) this.#requireVanished(target);
    return details;
  }

  /** An inode that is missing while its entry is still there is damage. */
  #requireVanished(target: Target): void {
    if (!this.#hasEntry(target)) return;
    // Entries are deleted late: look once more when that is done.
    this.reader.settle();
    if (!this.#hasEntry(target)) return;
    const { tree, inode } = target;
    const place = { tree, objectid: inode, type: INODE_ITEM_KEY, offset: 0 };
    throw damaged(place, "missing, expected it for an entry of a directory");
  }

  #hasEntry({ tree, inode, type, parent }: Target): boolean {
    if (parent === undefined) return true;
    const listing = new Listing();
    listing.load(this.#directories, parent.tree, parent.inode);
    return type === "subvolume" ? leadsTo(listing, tree, true) : leadsTo(listing, inode, false);
  }

  /**
   * A snapshot copies the entry of a nested subvolume, not the subvolume: what the
   * entry names belongs where its ROOT_BACKREF points to, and nowhere else.
   */
  #isNestedHere(directory: InodeId, child: number, name: Uint8Array): boolean {
    const cursor = this.#directories;
    cursor.aim(ROOT_TREE_OBJECTID, child, ROOT_BACKREF_KEY, ROOT_BACKREF_KEY);
    while (cursor.next()) {
      const { view, bytes, at, length } = cursor;
      if (length < RootRef.size) {
        throw damaged(cursor, `${length} bytes, expected at least ${RootRef.size}`);
      }
      const nameLength = view.getUint16(at + RootRef.nameLength, true);
      if (RootRef.size + nameLength > length) {
        throw damaged(cursor, `a name of ${nameLength} bytes in an item of ${length}`);
      }
      const isHere =
        cursor.offset === directory.tree &&
        u64(view, at + RootRef.dirid) === directory.inode &&
        compareBytes(bytes, at + RootRef.size, nameLength, name, 0, name.length) === 0;
      if (isHere) return true;
    }
    return false;
  }

  #refuseLoops(directory: InodeId): void {
    const { tree, inode } = directory;
    if (isStub(directory)) return;
    for (let depth = 0; depth < this.#depth; depth++) {
      const above = this.#levels[depth]!.directory;
      if (above.inode !== inode || above.tree !== tree) continue;
      const place = { tree, objectid: inode, type: INODE_ITEM_KEY, offset: 0 };
      throw damaged(place, "a directory that contains itself");
    }
  }
}

function newLevel(directory: InodeId, newSince: number | undefined): Level {
  return { directory, listing: new Listing(newSince), rank: 0, isAdded: false, pathLength: 0 };
}
