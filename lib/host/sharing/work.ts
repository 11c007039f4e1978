/** What threads that share a walk have in common: the directories, in order, and their states. */
import type { Offered } from "../../btrfs/share.ts";
import type { Made } from "../../report/diff-report.ts";
import type { ListingFormat } from "../../report/listing.ts";
import type { Selection } from "../../report/selection.ts";
import type { Evidence } from "../comparison.ts";

export interface Work {
  readonly directories: readonly Offered[];
  /** Of a `States` of these directories. */
  readonly states: Int32Array<SharedArrayBuffer>;
  readonly evidence: Evidence;
  readonly selection: Selection;
  readonly format: ListingFormat;
}

/** The records of one directory. */
export interface Records extends Made {
  readonly index: number;
}
