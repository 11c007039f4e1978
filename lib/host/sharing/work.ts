/**
 * What two threads that share a walk have in common: the directories in order, a
 * word of state for each, and how many bytes wait to be written.
 *
 * The one takes directories from the front, the other from the end, so each
 * directory is taken once and both meet. Whoever changes a state does so with one
 * atomic exchange.
 */
import type { Offered } from "../../btrfs/share.ts";
import type { Made } from "../../report/diff-report.ts";
import type { ListingFormat } from "../../report/listing.ts";
import type { Selection } from "../../report/selection.ts";
import type { Evidence } from "../comparison.ts";

export const FREE = 0;
/** By the thread that began, which reports it as it goes. */
export const OURS = 1;
/** By the other one, which is at it. */
export const THEIRS = 2;
/** By the other one, whose records are in the port. */
export const DONE = 3;

/** So much may wait to be written before the other thread pauses: a slow reader must not fill memory. */
export const WAITING_BYTES_MAX = 4 * 1024 * 1024;

export interface Work {
  readonly directories: readonly Offered[];
  /** A state for each directory, then the count of bytes that wait, then a sign of life. */
  readonly states: Int32Array<SharedArrayBuffer>;
  readonly evidence: Evidence;
  readonly selection: Selection;
  readonly format: ListingFormat;
}

/** The records of one directory. */
export interface Records extends Made {
  readonly index: number;
}
