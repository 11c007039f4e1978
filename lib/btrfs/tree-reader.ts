/**
 * How the pure reader gets at metadata: pages of items, as BTRFS_IOC_TREE_SEARCH_V2
 * returns them.
 *
 * A page is the kernel's own buffer, lent until the next search of the same
 * reader: copying a million items to be tidy would cost more than reading them.
 */
import type { SearchKey } from "./search-key.ts";

export interface Page {
  readonly bytes: Uint8Array;
  /** Over the same memory as `bytes`. */
  readonly view: DataView;
  /** Where the first item's header begins. */
  start: number;
  /** Items in the page; fewer than match where the page is full. */
  count: number;
  /** Where the room for items ends. */
  end: number;
  /** Known to hold all that matches. */
  readonly isLast: boolean;
}

export interface TreeReader {
  /** Size of a tree block: no item is larger. */
  readonly nodeSizeBytes: number;
  /** Tells file systems apart (the fsid in hex): block addresses of two are not comparable. */
  readonly filesystem: string;
  /**
   * Items whose keys lie in the range, in key order, as many as fit. A tree that
   * does not exist has none.
   *
   * @param pageBytes room for items, where less than usual will do; at least an
   *   item of `nodeSizeBytes` with its header
   * @throws Failure where the tree can't be read
   */
  search(key: SearchKey, pageBytes?: number): Page;
  /** Waits until what was written and deleted before is so in the trees. */
  settle(): void;
}

/** struct btrfs_ioctl_search_header of linux/btrfs.h: goes before each item of a page. */
export const SearchHeader = {
  transid: 0,
  objectid: 8,
  offset: 16,
  type: 24,
  length: 28,
  size: 32,
} as const;
