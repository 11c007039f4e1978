/** The steps of a merge of two directories, each at an entry of its own. */
import type { Listing } from "./directory.ts";
import { rankOf } from "./listing-queries.ts";
import type { Scope } from "./scope.ts";
import type { Level } from "./side.ts";

/** Which of two entries comes first: less than 0 ours, more than 0 theirs; undefined at the end of both. */
export function compare(ours: Level, theirs: Level): number | undefined {
  const ourEnd = ours.rank === ours.listing.count;
  const theirEnd = theirs.rank === theirs.listing.count;
  if (ourEnd && theirEnd) return undefined;
  if (ourEnd) return 1;
  if (theirEnd) return -1;
  return ours.listing.compare(ours.rank, theirs.listing, theirs.rank);
}

/** What of an entry's tree is wanted; undefined where nothing is. */
export function scopeBelow(scope: Scope, { listing, rank }: Level): Scope | undefined {
  return scope === "whole" ? scope : scope.below(listing.name(rank));
}

/** Whether the other side has the name too, but as a directory where this is none, or none where it is. */
export function hasOtherwise({ listing, rank }: Level, other: Listing): boolean {
  return other.count > 0 && rankOf(other, listing.name(rank), !listing.isDirectory(rank)) >= 0;
}
