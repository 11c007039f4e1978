/**
 * Sizes of files that were added to a directory, all at once.
 *
 * Where a tree is small, to read all of it takes fewer searches than to look for its
 * inodes one by one, and one loop instead of many functions: a program that has just
 * started runs each of them as slowly as it can. Only what is usual is answered; for
 * anything else, damage included, whoever asks must look at the inode itself.
 */
import { Fault } from "../fault.ts";
import { INODE_ITEM_KEY, InodeItem } from "./format.ts";
import { ItemCursor, u64 } from "./item-cursor.ts";
import { readSubvolumeRecord } from "./root-item.ts";
import { SearchHeader, type TreeReader } from "./tree-reader.ts";
import type { AddedFiles } from "./visit.ts";

/** A tree of some ten thousand files. */
const SMALL_TREE_BYTES = 8 * 1024 ** 2;

export class FileSizes {
  readonly #reader: TreeReader;
  readonly #tree: number;
  #sizes: ReadonlyMap<number, number> | undefined;

  /** Reads the tree when something is first asked for. @param reader for this alone */
  constructor(reader: TreeReader, tree: number) {
    this.#reader = reader;
    this.#tree = tree;
  }

  /** The bytes of a run of files; undefined unless each is known and has one name. */
  sum({ tree, entries, from, to }: AddedFiles): number | undefined {
    if (tree !== this.#tree) return undefined;
    this.#sizes ??= sizesIn(this.#reader, tree);
    let bytes = 0;
    for (let rank = from; rank < to; rank++) {
      const size = this.#sizes.get(entries.child(rank));
      if (size === undefined) return undefined;
      bytes += size;
    }
    return Number.isSafeInteger(bytes) ? bytes : undefined;
  }
}

/** By inode, of all that have one name; none where the tree is large, or can't be read. */
function sizesIn(reader: TreeReader, tree: number): ReadonlyMap<number, number> {
  try {
    const record = readSubvolumeRecord(reader, tree);
    const isSmall = record !== undefined && record.treeBytes <= SMALL_TREE_BYTES;
    return (isSmall ? readAll(reader, tree) : undefined) ?? new Map();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return new Map();
  }
}

/**
 * One loop over all items, for of each file there are five or more.
 *
 * @returns undefined for a page that is not sound
 */
function readAll(reader: TreeReader, tree: number): Map<number, number> | undefined {
  const sizes = new Map<number, number>();
  const cursor = new ItemCursor(reader);
  cursor.aimAtAll(tree, 0);
  for (let page = cursor.page(); page !== undefined; ) {
    const { bytes, view, start, count, end } = page;
    let header = start;
    let next = start;
    for (let index = 0; index < count; index++) {
      header = next;
      const at = header + SearchHeader.size;
      if (at > end) return undefined;
      next = at + view.getUint32(header + SearchHeader.length, true);
      if (next > end) return undefined;
      if (bytes[header + SearchHeader.type] !== INODE_ITEM_KEY) continue;
      if (next - at < InodeItem.size) continue;
      if (view.getUint32(at + InodeItem.links, true) !== 1) continue;
      const inode = u64(view, header + SearchHeader.objectid);
      sizes.set(inode, u64(view, at + InodeItem.sizeBytes));
    }
    page = cursor.pageAfter(header);
  }
  return sizes;
}
