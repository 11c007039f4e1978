/**
 * Whether what differs can be told from what was written since the root was made,
 * rather than by going through both trees.
 *
 * Only of a root that is a snapshot of its base, and while the base still is what
 * it was then. It pays where the base is large; a usual blank root is all but
 * empty, and then the plain walk is faster.
 */
import { plural } from "../text.ts";
import { readSubvolumeRecord } from "./root-item.ts";
import { readTouched, type Touched } from "./touched.ts";
import type { TreeReader } from "./tree-reader.ts";

/** A tree of some hundred inodes; below that there is nothing to be saved. */
const LARGE_TREE_BYTES = 256 * 1024;

export interface Delta {
  /** Undefined: every path is to be compared. */
  readonly touched: Touched | undefined;
  /** What was chosen and why, for `--verbose`. */
  readonly reason: string;
}

/**
 * What a walk of both trees may leave out.
 *
 * @param largeBytes the size of the base's tree from which on it pays
 */
export function findDelta(
  root: { reader: TreeReader; tree: number },
  base: { reader: TreeReader; tree: number },
  largeBytes = LARGE_TREE_BYTES,
): Delta {
  if (root.reader.filesystem !== base.reader.filesystem) {
    return whole("the base is on another file system");
  }
  const ours = readSubvolumeRecord(root.reader, root.tree);
  const theirs = readSubvolumeRecord(base.reader, base.tree);
  if (ours === undefined || theirs === undefined) {
    return whole("the subvolumes don't say where they come from");
  }
  if (ours.parentUuid !== theirs.uuid) return whole("the root is no snapshot of its base");
  if (!theirs.isReadOnly) return whole("the base can be written to");
  if (theirs.ctransid > ours.otransid) return whole("the base changed after the root was made");
  if (theirs.treeBytes < largeBytes) return whole("the base is small");
  const touched = readTouched(root.reader, root.tree, ours.otransid, [base.tree]);
  const count = plural(touched.inodes.size, "inode");
  return {
    touched,
    reason: `comparing ${count} written since transaction ${ours.otransid}`,
  };
}

function whole(reason: string): Delta {
  return { touched: undefined, reason: `comparing every path: ${reason}` };
}
