/**
 * Inodes looked up one by one, read from the tree by the block.
 *
 * A search for one inode makes the kernel go through its whole block of the tree,
 * and files made together lie next to each other. So where an inode is close to one
 * that was asked for before, the rest of its block is taken along, and the next one is
 * mostly there already: three to six times faster. Some blocks are kept, for where
 * directories were filled in turns, each leads to the blocks of the last one again.
 * Only what is found there is answered from it: what is missing may have come later,
 * and is asked for anew.
 */
import { SearchKey } from "./search-key.ts";
import { type Page, SearchHeader, type TreeReader } from "./tree-reader.ts";

/** So many inodes likely lie in one block or in two. */
const NEIGHBOURS = 64;
/** As a part of a block. */
const CLOSE = 1 / 4;
/** A power of two. */
const NEIGHBOURHOODS = 4096;
const BLOCKS_MAX = 64;
const TWO_32 = 2 ** 32;

export class ReadAhead implements TreeReader {
  readonly nodeSizeBytes: number;
  readonly filesystem: string;
  readonly #reader: TreeReader;
  readonly #key = new SearchKey();
  readonly #neighbours: number;
  readonly #blocks: Block[] = [];
  /** The block that is overwritten next where there are so many. */
  #oldest = 0;
  /** The last block that was read for a neighbourhood, by its number, and which neighbourhood was asked for. */
  readonly #blockOf = new Uint8Array(NEIGHBOURHOODS);
  readonly #asked = new Float64Array(NEIGHBOURHOODS).fill(Number.NEGATIVE_INFINITY);

  /**
   * @param reader for this alone: its page is kept from one search to the next
   * @param neighbours so many objectids, which likely lie in one block or in two, are a neighbourhood
   */
  constructor(reader: TreeReader, neighbours = NEIGHBOURS) {
    this.#reader = reader;
    this.#neighbours = neighbours;
    this.nodeSizeBytes = reader.nodeSizeBytes;
    this.filesystem = reader.filesystem;
  }

  search(key: SearchKey): Page {
    const isFirst = key.minOffsetLow === 0 && key.minOffsetHigh === 0;
    if (isFirst && key.minObjectid === key.maxObjectid) {
      const found = this.#find(key) ?? this.#readOn(key);
      if (found !== undefined) return found;
    }
    return this.#reader.search(key);
  }

  settle(): void {
    for (const block of this.#blocks) block.empty();
    this.#reader.settle();
  }

  /** Mostly in the last block of the neighbourhood; a block that begins there may hide another. */
  #find(key: SearchKey): Page | undefined {
    const at = this.#neighbourhood(key.minObjectid) % NEIGHBOURHOODS;
    const found = this.#blocks[this.#blockOf[at]!]?.find(key);
    if (found !== undefined) return found;
    for (const block of this.#blocks) {
      if (!block.reaches(key.minObjectid)) continue;
      const page = block.find(key);
      if (page !== undefined) return page;
    }
    return undefined;
  }

  /** Takes the block along where its next inodes are likely to be wanted too. */
  #readOn(key: SearchKey): Page | undefined {
    const here = this.#neighbourhood(key.minObjectid);
    const isKnown = this.#isAsked(here) || this.#isAsked(here - 1) || this.#isAsked(here + 1);
    this.#asked[here % NEIGHBOURHOODS] = here;
    if (!isKnown) return undefined;
    const index = this.#nextBlock();
    const block = this.#blocks[index]!;
    if (!this.#isRead(block, key)) return undefined;
    const last = Math.min(this.#neighbourhood(block.lastObjectid), here + NEIGHBOURHOODS - 1);
    for (let each = here; each <= last; each++) this.#blockOf[each % NEIGHBOURHOODS] = index;
    return block.find(key);
  }

  #neighbourhood(objectid: number): number {
    return Math.floor(objectid / this.#neighbours);
  }

  #isAsked(number: number): boolean {
    return number >= 0 && this.#asked[number % NEIGHBOURHOODS] === number;
  }

  #nextBlock(): number {
    if (this.#blocks.length < BLOCKS_MAX) return this.#blocks.push(new Block(this.#pageBytes)) - 1;
    const index = this.#oldest;
    this.#oldest = (index + 1) % BLOCKS_MAX;
    return index;
  }

  /** False where what follows can't be read: a plain search says whether what is wanted can. */
  #isRead(block: Block, wanted: SearchKey): boolean {
    const key = this.#key;
    const cut = this.#cutBefore(wanted);
    key.aim(wanted.tree, cut ?? wanted.minObjectid, cut ? 0 : wanted.minType, wanted.maxType);
    key.maxObjectid = Number.MAX_SAFE_INTEGER;
    block.empty();
    try {
      block.take(this.#reader.search(key, this.#pageBytes), key);
      return true;
    } catch {
      return false;
    }
  }

  /**
   * The inode that a block close before ends amid: it would be asked for next, or was, and
   * was not found. Close is what the next block surely reaches, by what that one held.
   */
  #cutBefore({ minObjectid }: SearchKey): number | undefined {
    const block = this.#blocks.find(
      ({ lastObjectid, span }) =>
        lastObjectid < minObjectid && minObjectid - lastObjectid <= span * CLOSE,
    );
    return block?.lastObjectid;
  }

  get #pageBytes(): number {
    return this.nodeSizeBytes + SearchHeader.size;
  }
}

/** Items that follow each other in a tree, copied. */
class Block {
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  /** What is lent of it. */
  readonly #page: Page;
  #tree = 0;
  #minObjectid = 0;
  #minType = 0;
  #count = 0;
  readonly #objectids: Float64Array;
  readonly #types: Uint8Array;
  readonly #headers: Uint32Array;

  constructor(pageBytes: number) {
    const buffer = new ArrayBuffer(pageBytes);
    this.#bytes = new Uint8Array(buffer);
    this.#view = new DataView(buffer);
    const [bytes, view] = [this.#bytes, this.#view];
    this.#page = { bytes, view, start: 0, count: 0, end: pageBytes, isLast: true };
    const itemsMax = Math.ceil(pageBytes / SearchHeader.size);
    this.#objectids = new Float64Array(itemsMax);
    this.#types = new Uint8Array(itemsMax);
    this.#headers = new Uint32Array(itemsMax);
  }

  empty(): void {
    this.#count = 0;
  }

  /** 0 where it is empty. */
  get lastObjectid(): number {
    return this.#count === 0 ? 0 : this.#objectids[this.#count - 1]!;
  }

  /** How far it reaches, in objectids. */
  get span(): number {
    return this.#count === 0 ? 0 : this.lastObjectid - this.#objectids[0]!;
  }

  /** Whether it begins and ends around an inode. */
  reaches(objectid: number): boolean {
    return this.#count > 0 && this.#objectids[0]! <= objectid && objectid <= this.lastObjectid;
  }

  /** @param key what was asked for: nothing is known of what comes before */
  take({ bytes, start, count, end }: Page, { tree, minObjectid, minType }: SearchKey): void {
    this.#bytes.set(bytes.subarray(start, Math.min(end, start + this.#bytes.length)));
    this.#tree = tree;
    this.#minObjectid = minObjectid;
    this.#minType = minType;
    this.#count = 0;
    let header = 0;
    for (let index = 0; index < count; index++) {
      // A page that is not sound is left to the plain search, which says what is wrong.
      if (header + SearchHeader.size > this.#bytes.length) return;
      header = this.#note(header);
    }
  }

  /** The wanted items, where all of them must be in it. */
  find(key: SearchKey): Page | undefined {
    if (this.#count === 0 || key.tree !== this.#tree) return undefined;
    if (key.minObjectid === this.#minObjectid && key.minType < this.#minType) return undefined;
    const first = this.#rank(key.minObjectid, key.minType);
    const end = this.#rank(key.maxObjectid, key.maxType + 1);
    // At the block's end there may be more of it in the next one.
    if (first === end || end === this.#count) return undefined;
    const page = this.#page;
    page.start = this.#headers[first]!;
    page.count = end - first;
    return page;
  }

  /** How many items of the block come before a key. */
  #rank(objectid: number, type: number): number {
    let low = 0;
    let high = this.#count;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = this.#objectids[middle]!;
      if (at < objectid || (at === objectid && this.#types[middle]! < type)) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Notes an item, and returns where the next one's header is. */
  #note(header: number): number {
    const view = this.#view;
    const index = this.#count++;
    const high = view.getUint32(header + SearchHeader.objectid + 4, true);
    this.#objectids[index] = high * TWO_32 + view.getUint32(header + SearchHeader.objectid, true);
    this.#types[index] = view.getUint32(header + SearchHeader.type, true);
    this.#headers[index] = header;
    return header + SearchHeader.size + view.getUint32(header + SearchHeader.length, true);
  }
}
