/** Questions about a whole directory. */
import type { Listing } from "./directory.ts";

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
