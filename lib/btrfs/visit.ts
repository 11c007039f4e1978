/** What a comparison of trees is asked for, and to whom it reports. */
import type { Change } from "./change.ts";
import type { Listing } from "./directory.ts";
import type { ReadContent } from "./pair-comparison.ts";
import type { Share } from "./share.ts";
import type { TooDeep } from "./too-deep.ts";
import type { Touched } from "./touched.ts";

export type Visit = (change: Change) => void;

/** Regular files that were added to one directory: a run of its entries. All lent. */
export interface AddedFiles {
  /** Of the subvolume that holds them. */
  readonly tree: number;
  /** Absolute; "" is the top. */
  readonly directory: Uint8Array;
  readonly entries: Listing;
  /** Ranks of the first one and of the one behind the last. */
  readonly from: number;
  readonly to: number;
}

export interface DiffOptions {
  /** Absolute paths that the walk is limited to; everything unless given. */
  readonly within?: readonly Uint8Array[] | undefined;
  readonly content: ReadContent;
  /** May take added files many at once; where it returns false they are visited one by one. */
  readonly visitFiles?: ((files: AddedFiles) => boolean) | undefined;
  /** Somebody who takes part of what was added. */
  readonly share?: Share | undefined;
  /** Of root, since it was made a snapshot of an unchanged base; all unless given. */
  readonly touched?: Touched | undefined;
  /** A transaction of the file system: only what was written in it or later is reported. */
  readonly since?: number | undefined;
  /** Told of directories that are not entered; without it, one of them ends the walk. */
  readonly tooDeep?: TooDeep | undefined;
}
