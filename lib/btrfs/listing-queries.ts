/** Questions about a whole directory. */
import type { Listing } from "./directory.ts";
import { compareBytes } from "./sort.ts";

const SLASH = 0x2f;

/** The rank of a name among directories or among the others, or -1. */
export function rankOf(listing: Listing, name: Uint8Array, asDirectory: boolean): number {
  if (listing.count === 0) return -1;
  const key = new Uint8Array(name.length + (asDirectory ? 1 : 0));
  key.set(name);
  if (asDirectory) key[name.length] = SLASH;
  const { arena } = listing;
  let low = 0;
  let high = listing.count - 1;
  while (low <= high) {
    const middle = (low + high) >>> 1;
    const start = listing.nameStart(middle);
    const sign = compareBytes(arena, start, listing.keyLength(middle), key, 0, key.length);
    if (sign === 0) return middle;
    if (sign < 0) low = middle + 1;
    else high = middle - 1;
  }
  return -1;
}

/** Whether an entry leads to an inode, or to the tree of a subvolume. */
export function leadsTo(listing: Listing, child: number, isSubvolume: boolean): boolean {
  for (let rank = 0; rank < listing.count; rank++) {
    if (listing.child(rank) === child && (listing.type(rank) === undefined) === isSubvolume)
      return true;
  }
  return false;
}

/** Whether both hold the same names that lead to the same inodes, or each to some subvolume. */
export function holdSameEntries(one: Listing, other: Listing): boolean {
  if (one.count !== other.count) return false;
  for (let rank = 0; rank < one.count; rank++) {
    const subvolumes = one.type(rank) === undefined && other.type(rank) === undefined;
    if (!subvolumes && one.child(rank) !== other.child(rank)) return false;
    if (one.compare(rank, other, rank) !== 0) return false;
  }
  return true;
}
