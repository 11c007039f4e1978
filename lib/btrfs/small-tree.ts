/**
 * A tree that is small, read whole: who lists its directories, and adds up the sizes of
 * its files, asks the kernel a few times instead of once for each.
 *
 * One loop goes over all items, for a program that has just started runs many functions
 * as slowly as it can. Only what is usual is answered from what was read. For anything
 * else, damage included, the tree is searched, or whoever asks must look at the inode.
 */
import { Fault } from "../fault.ts";
import { grown } from "../grown.ts";
import { DIR_INDEX_KEY, INODE_ITEM_KEY, InodeItem } from "./format.ts";
import { ItemCursor, u64 } from "./item-cursor.ts";
import { readSubvolumeRecord } from "./root-item.ts";
import type { SearchKey } from "./search-key.ts";
import { type Page, SearchHeader, type TreeReader } from "./tree-reader.ts";
import type { AddedFiles } from "./visit.ts";

/** Of some fifty thousand files. */
const SMALL_TREE_BYTES = 32 * 1024 ** 2;

export class SmallTree implements TreeReader {
  readonly nodeSizeBytes: number;
  readonly filesystem: string;
  readonly #reader: TreeReader;
  readonly #tree: number;
  #content: Content | undefined;

  /** Reads the tree when a directory is first listed. @param reader for this alone */
  constructor(reader: TreeReader, tree: number) {
    this.#reader = reader;
    this.#tree = tree;
    this.nodeSizeBytes = reader.nodeSizeBytes;
    this.filesystem = reader.filesystem;
  }

  search(key: SearchKey, pageBytes?: number): Page {
    const isListing = key.minType === DIR_INDEX_KEY && key.maxType === DIR_INDEX_KEY;
    const isFirst = key.minOffsetLow === 0 && key.minOffsetHigh === 0;
    if (isListing && isFirst && key.tree === this.#tree && key.minObjectid === key.maxObjectid) {
      this.#content ??= readContent(this.#reader, this.#tree);
      const page = this.#content.directory(key.minObjectid);
      if (page !== undefined) return page;
    }
    return this.#reader.search(key, pageBytes);
  }

  /** From now on the tree itself is searched. */
  settle(): void {
    this.#content = new Content();
    this.#reader.settle();
  }

  /** The bytes of a run of files; undefined unless each is known and has one name. */
  sizeOf({ tree, entries, from, to }: AddedFiles): number | undefined {
    if (tree !== this.#tree) return undefined;
    const sizes = this.#content?.sizes;
    let bytes = 0;
    for (let rank = from; rank < to; rank++) {
      const size = sizes?.get(entries.child(rank));
      if (size === undefined) return undefined;
      bytes += size;
    }
    return Number.isSafeInteger(bytes) ? bytes : undefined;
  }
}

/** What was read of a tree. */
class Content {
  /** By inode, of all that have one name. */
  readonly sizes = new Map<number, number>();
  /** Where the items of a directory begin and end below, and how many they are. */
  readonly #directories = new Map<number, { start: number; end: number; count: number }>();
  #bytes = new Uint8Array(64 * 1024);
  #view = new DataView(this.#bytes.buffer);
  #used = 0;

  directory(inode: number): Page | undefined {
    const place = this.#directories.get(inode);
    return place && { bytes: this.#bytes, view: this.#view, ...place, isLast: true };
  }

  /** Takes items of a page that list one directory; more of them may follow, in the next page. */
  addEntries(inode: number, items: Uint8Array, count: number): void {
    const start = this.#used;
    while (start + items.length > this.#bytes.length) this.#grow();
    this.#bytes.set(items, start);
    this.#used += items.length;
    const place = this.#directories.get(inode);
    if (place === undefined) this.#directories.set(inode, { start, end: this.#used, count });
    else {
      place.end = this.#used;
      place.count += count;
    }
  }

  #grow(): void {
    this.#bytes = grown(this.#bytes, 2 * this.#bytes.length);
    this.#view = new DataView(this.#bytes.buffer);
  }
}

/** Of nothing where the tree is large, or can't be read. */
function readContent(reader: TreeReader, tree: number): Content {
  try {
    const record = readSubvolumeRecord(reader, tree);
    const isSmall = record !== undefined && record.treeBytes <= SMALL_TREE_BYTES;
    return (isSmall ? readAll(reader, tree) : undefined) ?? new Content();
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return new Content();
  }
}

/** @returns undefined for a page that is not sound */
function readAll(reader: TreeReader, tree: number): Content | undefined {
  const content = new Content();
  const { sizes } = content;
  const cursor = new ItemCursor(reader);
  cursor.aimAtAll(tree, 0);
  for (let page = cursor.page(); page !== undefined; ) {
    const { bytes, view, start, count, end } = page;
    let header = start;
    let next = start;
    /** The directory whose entries are gone over, where they begin, and their number. */
    let directory = 0;
    let first = start;
    let entries = 0;
    for (let index = 0; index < count; index++) {
      header = next;
      const at = header + SearchHeader.size;
      if (at > end) return undefined;
      next = at + view.getUint32(header + SearchHeader.length, true);
      if (next > end) return undefined;
      const type = bytes[header + SearchHeader.type];
      if (type !== DIR_INDEX_KEY && entries > 0) {
        content.addEntries(directory, bytes.subarray(first, header), entries);
        entries = 0;
      }
      if (type === DIR_INDEX_KEY) {
        const inode = u64(view, header + SearchHeader.objectid);
        if (entries++ === 0) {
          directory = inode;
          first = header;
        } else if (inode !== directory) return undefined;
      } else if (type === INODE_ITEM_KEY && next - at >= InodeItem.size) {
        if (view.getUint32(at + InodeItem.links, true) !== 1) continue;
        const inode = u64(view, header + SearchHeader.objectid);
        sizes.set(inode, u64(view, at + InodeItem.sizeBytes));
      }
    }
    if (entries > 0) content.addEntries(directory, bytes.subarray(first, next), entries);
    page = cursor.pageAfter(header);
  }
  return content;
}
