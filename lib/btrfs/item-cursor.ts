/**
 * Goes through the items of one search, page after page, item by item.
 *
 * Every item is checked against its page before anybody reads it, and keys must
 * rise: whatever a damaged disk or a stranger's kernel returns, the loop ends and
 * nothing outside of the page is read. A cursor is made once and aimed many times.
 */
import { type Exact, exact } from "../exact.ts";
import type { Failure } from "../fault.ts";
import { damaged, type Place } from "./damage.ts";
import { FIRST_FREE_OBJECTID } from "./format.ts";
import { SearchKey } from "./search-key.ts";
import { type Page, SearchHeader, type TreeReader } from "./tree-reader.ts";

const TWO_32 = 2 ** 32;
const TYPE_MAX = 0xff;

export class ItemCursor implements Place {
  /** The current item: its key, */
  objectid = 0;
  type = 0;
  /** exact below 2^53, */
  offset = 0;
  /** and where its content lies in `bytes` and `view`, valid until the reader's next search. */
  at = 0;
  length = 0;
  bytes: Uint8Array = new Uint8Array();
  view: DataView = new DataView(new ArrayBuffer(0));

  readonly #reader: TreeReader;
  readonly #key = new SearchKey();
  #page: Page | undefined;
  #itemsLeft = 0;
  #again = false;
  #largestItemBytes = 0;
  /** What is aimed at. */
  #minObjectid = 0;
  #maxObjectid = 0;
  #maxType = 0;
  /** The key that the next one must exceed; before the first, one below the least. */
  #lastObjectid = 0;
  #lastType = 0;
  #offsetLow = 0;
  #offsetHigh = 0;

  constructor(reader: TreeReader) {
    this.#reader = reader;
  }

  get tree(): number {
    return this.#key.tree;
  }

  /**
   * Aims at all items of an inode (or tree) with types in a range.
   *
   * @param largestItemBytes the most that an item of these types can take, header
   *   left out; where more than that stays free in a page, it was the last
   */
  aim(
    tree: number,
    objectid: number,
    minType: number,
    maxType: number,
    largestItemBytes: number = this.#reader.nodeSizeBytes,
  ): void {
    this.#key.aim(tree, objectid, minType, maxType);
    this.#begin(largestItemBytes);
  }

  /**
   * Aims at all items of all inodes of a tree, in blocks that were written in a
   * transaction or later.
   */
  aimAtAll(tree: number, minTransid: number): void {
    this.#key.aim(tree, FIRST_FREE_OBJECTID, 0, TYPE_MAX);
    this.#key.maxObjectid = Number.MAX_SAFE_INTEGER;
    this.#key.minTransid = minTransid;
    this.#begin(this.#reader.nodeSizeBytes);
  }

  #begin(largestItemBytes: number): void {
    const key = this.#key;
    this.#largestItemBytes = largestItemBytes;
    this.#itemsLeft = 0;
    this.#again = false;
    this.#page = undefined;
    this.#minObjectid = key.minObjectid;
    this.#maxObjectid = key.maxObjectid;
    this.#maxType = key.maxType;
    this.#lastObjectid = key.minObjectid;
    this.#lastType = key.minType - 1;
    this.#offsetLow = 0;
    this.#offsetHigh = 0;
  }

  /** The first page, for who takes its items otherwise; undefined where there are none. */
  page(): Page | undefined {
    return this.#nextPage() ? this.#page : undefined;
  }

  /** The next one. @param last where the header of this one's last item begins */
  pageAfter(last: number): Page | undefined {
    this.at = last;
    this.length = 0;
    this.#itemsLeft = 0;
    this.#readHeader();
    return this.page();
  }

  /** Lets the current item come once more. */
  stepBack(): void {
    this.#again = true;
  }

  /** Moves to the next item; false at the end. */
  next(): boolean {
    if (this.#again) {
      this.#again = false;
      return true;
    }
    if (this.#itemsLeft === 0 && !this.#nextPage()) return false;
    this.#itemsLeft--;
    this.#readHeader();
    return true;
  }

  #nextPage(): boolean {
    if (this.#page !== undefined && !this.#mayHaveMore(this.#page)) return false;
    this.#page = this.#reader.search(this.#key);
    this.bytes = this.#page.bytes;
    this.view = this.#page.view;
    this.at = this.#page.start;
    this.length = 0;
    this.#itemsLeft = this.#page.count;
    return this.#itemsLeft > 0;
  }

  /** Whether there may be more; if so, the key has moved on. */
  #mayHaveMore(page: Page): boolean {
    if (page.isLast) return false;
    const free = page.end - (this.at + this.length);
    if (free >= this.#largestItemBytes + SearchHeader.size) return false;
    return this.#key.moveAfter(this.objectid, this.type, this.#offsetLow, this.#offsetHigh);
  }

  /** One function, because it runs for every item there is. */
  #readHeader(): void {
    const header = this.at + this.length;
    const { view } = this;
    const at = header + SearchHeader.size;
    if (at > view.byteLength) {
      throw damaged(
        this,
        `the page of ${view.byteLength} bytes ends in the header after this item`,
      );
    }
    const objectid = u64(view, header + SearchHeader.objectid);
    const type = view.getUint32(header + SearchHeader.type, true);
    const low = view.getUint32(header + SearchHeader.offset, true);
    const high = view.getUint32(header + SearchHeader.offset + 4, true);
    const length = view.getUint32(header + SearchHeader.length, true);
    const rises =
      objectid !== this.#lastObjectid
        ? objectid > this.#lastObjectid
        : type !== this.#lastType
          ? type > this.#lastType
          : high > this.#offsetHigh || (high === this.#offsetHigh && low > this.#offsetLow);
    const isWanted = objectid < this.#maxObjectid || type <= this.#maxType;
    if (!rises || !isWanted || objectid > this.#maxObjectid) {
      throw this.#outOfPlace(objectid, type, high * TWO_32 + low);
    }
    this.objectid = objectid;
    this.#lastObjectid = objectid;
    this.type = type;
    this.#lastType = type;
    this.#offsetLow = low;
    this.#offsetHigh = high;
    this.offset = high * TWO_32 + low;
    this.at = at;
    this.length = length;
    if (at + length > view.byteLength) {
      throw damaged(this, `${length} bytes, expected at most ${view.byteLength - at}`);
    }
  }

  #outOfPlace(objectid: number, type: number, offset: number): Failure {
    const place = { tree: this.tree, objectid, type, offset };
    const wanted =
      this.#minObjectid === this.#maxObjectid ? `inode ${this.#minObjectid}` : "the range";
    return damaged(place, `out of place, expected a key of ${wanted} that rises`);
  }
}

/** A 64-bit number of the disk; not exact from 2^53 on, which no address or inode number reaches. */
export function u64(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * TWO_32 + view.getUint32(at, true);
}

/** The same where any number may stand: the size of a file. */
export function exactU64(view: DataView, at: number): Exact {
  return exact(view.getUint32(at + 4, true), view.getUint32(at, true));
}

/** The same, signed. */
export function exactI64(view: DataView, at: number): Exact {
  return exact(view.getInt32(at + 4, true), view.getUint32(at, true));
}
