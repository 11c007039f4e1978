/**
 * A walk that is shared with somebody else: all directories that are still to come
 * are offered, each is taken by one of both, and reports come in the order of the
 * walk whoever took them.
 */
import type { InodeId } from "./side.ts";

/** An added directory, and its absolute path. */
export interface Offered extends InodeId {
  readonly path: Uint8Array;
}

export interface Share {
  /** Asked ahead of each added directory: whether the rest should be offered now. */
  isWanted(): boolean;
  /** @param directories those that are still to come, in the order of the walk, none within another */
  offer(directories: readonly Offered[]): void;
  /** Whether all below a directory was reported by somebody else; if not, nobody else will. */
  takes(directory: InodeId): boolean;
}
