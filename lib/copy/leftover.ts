/** Of runs that were killed: what they leave is told by its name, and cleared away by the next. */
import type { InodeStatus } from "../inode-status.ts";

/**
 * The directory in which one thing at a time is made ready, beside its place. One
 * name for all, so that a look into a directory tells what was left in it.
 */
export const STAGE_NAME = ".blankroot-unfinished";

/** Something that the persist root holds under that name. */
export interface Leftover {
  readonly path: Uint8Array;
  readonly status: InodeStatus;
}
