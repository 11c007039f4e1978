/**
 * The entries of one directory, in byte order of their paths.
 *
 * DIR_INDEX items come in order of creation, so they are gathered and sorted. A
 * directory's name is kept with its "/" behind it: that is what its path sorts
 * by, and it makes the order of a whole walk that of its output. Everything lies
 * in flat arrays that are used again, because there may be a million entries.
 */
import { grown } from "../grown.ts";
import type { FileType } from "./change.ts";
import { damaged } from "./damage.ts";
import { entryType, FILE_TYPES, SUBVOLUME } from "./entry-type.ts";
import {
  DIR_INDEX_KEY,
  DirItem,
  EMPTY_SUBVOL_DIR_OBJECTID,
  FT_DIR,
  FT_REG_FILE,
  FT_SYMLINK,
  INODE_ITEM_KEY,
  NAME_LENGTH_MAX,
} from "./format.ts";
import { sortSlots } from "./heads.ts";
import { type ItemCursor, u64 } from "./item-cursor.ts";
import { compareBytes } from "./sort.ts";
import { type Page, SearchHeader } from "./tree-reader.ts";

const SLASH = 0x2f;
const DOT = 0x2e;
const TWO_32 = 2 ** 32;
/** A directory's longest entry. */
const LARGEST_ITEM_BYTES = DirItem.size + NAME_LENGTH_MAX;

export class Listing {
  count = 0;
  /** Entries by rank: `order[0]` is the first one's slot in the other arrays. */
  order = new Uint32Array(64);
  /** All sort keys one after another: names, those of directories with "/" behind. */
  arena = new Uint8Array(4096);
  #used = 0;
  #start = new Uint32Array(64);
  #length = new Uint16Array(64);
  #type = new Uint8Array(64);
  #child = new Float64Array(64);
  #isNew = new Uint8Array(64);
  #hasDuplicates = false;
  readonly #newSince: number;
  readonly #compare = (a: number, b: number) => this.#compareSlots(a, b);

  /** @param newSince the transaction from which on `isNew()` counts */
  constructor(newSince = Number.POSITIVE_INFINITY) {
    this.#newSince = newSince;
  }

  /** Replaces the content by the entries of a directory. */
  load(cursor: ItemCursor, tree: number, directory: number): void {
    this.#clear();
    if (directory === EMPTY_SUBVOL_DIR_OBJECTID) return;
    cursor.aim(tree, directory, DIR_INDEX_KEY, DIR_INDEX_KEY, LARGEST_ITEM_BYTES);
    const page = cursor.page();
    if (page === undefined) return;
    if (!this.#takeOrdinary(page, directory)) {
      this.#clear();
      while (cursor.next()) this.#add(cursor);
    }
    this.#sort();
    if (this.#hasDuplicates) this.#keepNewest();
  }

  #sort(): void {
    const { arena } = this;
    const strings = { arena, start: this.#start, length: this.#length };
    sortSlots(this.order, this.count, strings, this.#compare);
  }

  /** Undefined for the entry of a subvolume, which may also be a snapshot's stub. */
  type(rank: number): FileType | undefined {
    return FILE_TYPES[this.#type[this.order[rank]!]!];
  }

  /** Whether the entry sorts with "/" behind it. */
  isDirectory(rank: number): boolean {
    const type = this.#type[this.order[rank]!];
    return type === FT_DIR || type === SUBVOLUME;
  }

  /** The rank behind a run of regular files. */
  endOfFiles(from: number): number {
    let rank = from;
    while (rank < this.count && this.#type[this.order[rank]!] === FT_REG_FILE) rank++;
    return rank;
  }

  /** Inode number, or the tree of a subvolume. */
  child(rank: number): number {
    return this.#child[this.order[rank]!]!;
  }

  /** Whether the entry was made in the transaction that was given, or later: by a rename as well. */
  isNew(rank: number): boolean {
    return this.#isNew[this.order[rank]!] === 1;
  }

  /** Where the name begins in the arena. */
  nameStart(rank: number): number {
    return this.#start[this.order[rank]!]!;
  }

  nameLength(rank: number): number {
    return this.keyLength(rank) - (this.isDirectory(rank) ? 1 : 0);
  }

  /** Of the sort key, which begins where the name does. */
  keyLength(rank: number): number {
    return this.#length[this.order[rank]!]!;
  }

  /** The name, lent until the next `load()`. */
  name(rank: number): Uint8Array {
    const start = this.nameStart(rank);
    return this.arena.subarray(start, start + this.nameLength(rank));
  }

  /** Compares the sort keys of two entries. */
  compare(rank: number, other: Listing, otherRank: number): number {
    const slot = this.order[rank]!;
    const otherSlot = other.order[otherRank]!;
    return compareBytes(
      this.arena,
      this.#start[slot]!,
      this.#length[slot]!,
      other.arena,
      other.#start[otherSlot]!,
      other.#length[otherSlot]!,
    );
  }

  #clear(): void {
    this.count = 0;
    this.#used = 0;
    this.#hasDuplicates = false;
  }

  /**
   * Takes a directory that fits into one page and is ordinary throughout, in one
   * loop: nearly all are, and a program that has just started runs one loop much
   * faster than many functions. False for any other, which is then taken item by
   * item, with an error that says what is wrong.
   */
  #takeOrdinary(page: Page, directory: number): boolean {
    const { bytes, view, start, count, end, isLast } = page;
    while (this.order.length < count) this.#grow();
    while (this.arena.length < end - start) this.#growArena();
    const { arena } = this;
    const low = directory % TWO_32;
    const high = Math.floor(directory / TWO_32);
    let at = start;
    let used = 0;
    let lastOffset = -1;
    for (let slot = 0; slot < count; slot++) {
      const item = at + SearchHeader.size;
      if (item + DirItem.size > end) return false;
      const length = view.getUint32(at + SearchHeader.length, true);
      const nameLength = view.getUint16(item + DirItem.nameLength, true);
      const offset = u64(view, at + SearchHeader.offset);
      const type = bytes[item + DirItem.type]!;
      const isOrdinary =
        view.getUint32(at + SearchHeader.objectid, true) === low &&
        view.getUint32(at + SearchHeader.objectid + 4, true) === high &&
        view.getUint32(at + SearchHeader.type, true) === DIR_INDEX_KEY &&
        offset > lastOffset &&
        item + length <= end &&
        nameLength > 0 &&
        nameLength <= NAME_LENGTH_MAX &&
        DirItem.size + nameLength <= length &&
        bytes[item + DirItem.locationType] === INODE_ITEM_KEY &&
        type >= FT_REG_FILE &&
        type <= FT_SYMLINK;
      if (!isOrdinary) return false;
      const name = item + DirItem.size;
      if (bytes[name] === DOT && nameLength <= 2) return false;
      const begin = used;
      for (let index = name; index < name + nameLength; index++) {
        const byte = bytes[index]!;
        if (byte === SLASH || byte === 0) return false;
        arena[used++] = byte;
      }
      if (type === FT_DIR) arena[used++] = SLASH;
      this.order[slot] = slot;
      this.#type[slot] = type;
      this.#child[slot] = u64(view, item + DirItem.locationObjectid);
      this.#start[slot] = begin;
      this.#length[slot] = used - begin;
      lastOffset = offset;
      at = item + length;
    }
    this.count = count;
    this.#used = used;
    if (this.#newSince !== Number.POSITIVE_INFINITY) this.#noteNew(page);
    return isLast || end - at >= LARGEST_ITEM_BYTES + SearchHeader.size;
  }

  /** A loop of its own: the one above runs for every path there is. */
  #noteNew({ view, start, count }: Page): void {
    let at = start;
    for (let slot = 0; slot < count; slot++) {
      const item = at + SearchHeader.size;
      this.#isNew[slot] = this.#isNewItem(view, item);
      at = item + view.getUint32(at + SearchHeader.length, true);
    }
  }

  #isNewItem(view: DataView, at: number): 0 | 1 {
    return u64(view, at + DirItem.transid) >= this.#newSince ? 1 : 0;
  }

  #add(item: ItemCursor): void {
    const { view, bytes, at } = item;
    if (item.length < DirItem.size) {
      throw damaged(item, `${item.length} bytes, expected at least ${DirItem.size}`);
    }
    const length = view.getUint16(at + DirItem.nameLength, true);
    if (length === 0 || length > NAME_LENGTH_MAX || DirItem.size + length > item.length) {
      throw damaged(item, `a name of ${length} bytes in an item of ${item.length}`);
    }
    if (this.count === this.order.length) this.#grow();
    if (this.#used + NAME_LENGTH_MAX + 1 > this.arena.length) this.#growArena();
    const slot = this.count++;
    const type = entryType(item);
    const start = this.#used;
    this.order[slot] = slot;
    this.#type[slot] = type;
    this.#child[slot] = u64(view, at + DirItem.locationObjectid);
    this.#isNew[slot] = this.#isNewItem(view, at);
    this.#start[slot] = start;
    let used = this.#copyName(item, bytes, at + DirItem.size, length);
    if (type === FT_DIR || type === SUBVOLUME) this.arena[used++] = SLASH;
    this.#length[slot] = used - start;
    this.#used = used;
  }

  /** A byte loop: names are short, and a call for each costs more than its bytes. */
  #copyName(item: ItemCursor, from: Uint8Array, at: number, length: number): number {
    const arena = this.arena;
    let used = this.#used;
    for (let index = at; index < at + length; index++) {
      const byte = from[index]!;
      if (byte === SLASH || byte === 0) throw damaged(item, `a name that contains byte ${byte}`);
      arena[used++] = byte;
    }
    if (from[at] === DOT && (length === 1 || (length === 2 && from[at + 1] === DOT))) {
      throw damaged(item, `a name of ${length === 1 ? '"."' : '".."'}`);
    }
    return used;
  }

  #compareSlots(a: number, b: number): number {
    const { arena } = this;
    const start = this.#start;
    const length = this.#length;
    const sign = compareBytes(arena, start[a]!, length[a]!, arena, start[b]!, length[b]!);
    if (sign !== 0) return sign;
    this.#hasDuplicates = true;
    return a - b;
  }

  /** A name that was renamed onto while we listed comes twice: the later index is what is there now. */
  #keepNewest(): void {
    let kept = 0;
    for (let rank = 0; rank < this.count; rank++) {
      const last = rank === this.count - 1;
      if (last || this.compare(rank, this, rank + 1) !== 0) this.order[kept++] = this.order[rank]!;
    }
    this.count = kept;
  }

  #grow(): void {
    const size = this.order.length * 2;
    this.order = grown(this.order, size);
    this.#start = grown(this.#start, size);
    this.#length = grown(this.#length, size);
    this.#type = grown(this.#type, size);
    this.#child = grown(this.#child, size);
    this.#isNew = grown(this.#isNew, size);
  }

  #growArena(): void {
    this.arena = grown(this.arena, this.arena.length * 2);
  }
}
