/**
 * A tree reader over items made up by a test: what a kernel would return for them,
 * page by page, or what a damaged disk might.
 */
import type { SearchKey } from "../../lib/btrfs/search-key.ts";
import { type Page, SearchHeader, type TreeReader } from "../../lib/btrfs/tree-reader.ts";

export interface Item {
  tree: number;
  objectid: number;
  type: number;
  offset: number | bigint;
  content: Uint8Array;
}

const START = 16;

export class FakeTree implements TreeReader {
  readonly nodeSizeBytes: number;
  readonly filesystem = "fake";
  searches = 0;
  readonly #items: Item[];
  readonly #pageBytes: number;

  constructor(items: Item[], { pageBytes = 4096, nodeSizeBytes = 1024 } = {}) {
    this.#items = [...items].sort((a, b) => (isBefore(a, b) ? -1 : 1));
    this.#pageBytes = pageBytes;
    this.nodeSizeBytes = nodeSizeBytes;
  }

  settle(): void {}

  search(key: SearchKey, pageBytes = this.#pageBytes): Page {
    this.searches++;
    const least = (BigInt(key.minOffsetHigh) << 32n) | BigInt(key.minOffsetLow);
    const min = { objectid: key.minObjectid, type: key.minType, offset: least };
    const bytes = new Uint8Array(new ArrayBuffer(START + pageBytes));
    const view = new DataView(bytes.buffer);
    const end = bytes.length;
    const page: Page = { bytes, view, start: START, count: 0, end, isLast: false };
    let at = START;
    for (const item of this.#items) {
      if (item.tree !== key.tree || isBefore(item, min)) continue;
      if (item.objectid > key.maxObjectid) break;
      if (item.objectid === key.maxObjectid && item.type > key.maxType) break;
      if (at + SearchHeader.size + item.content.length > bytes.length) break;
      at = putItem(page, at, item);
    }
    return page;
  }
}

function putItem(page: Page, at: number, item: Item): number {
  const { view } = page;
  view.setBigUint64(at + SearchHeader.objectid, BigInt(item.objectid), true);
  view.setBigUint64(at + SearchHeader.offset, BigInt(item.offset), true);
  view.setUint32(at + SearchHeader.type, item.type, true);
  view.setUint32(at + SearchHeader.length, item.content.length, true);
  page.bytes.set(item.content, at + SearchHeader.size);
  page.count++;
  return at + SearchHeader.size + item.content.length;
}

type Key = Pick<Item, "objectid" | "type" | "offset">;

function isBefore(a: Key, b: Key): boolean {
  if (a.objectid !== b.objectid) return a.objectid < b.objectid;
  if (a.type !== b.type) return a.type < b.type;
  return BigInt(a.offset) < BigInt(b.offset);
}
