/**
 * The differences of a root from its base, by whichever way this machine and this
 * user allow: the metadata of btrfs, or a walk of the mounted files.
 *
 * The choice follows from what is there and is never made by trying: a failure of
 * the one way is told, not hidden by the other.
 */
import { fstatSync } from "node:fs";
import type { Visit } from "../btrfs/visit.ts";
import { Refusal } from "../fault.ts";
import { diffSubvolumes, type Tops } from "./diff.ts";
import { canAdminister } from "./probe/capability.ts";
import { isBtrfs } from "./statfs.ts";
import { diffWalk } from "./walk/diff-walk.ts";

/** Inode number of the top directory of every subvolume: BTRFS_FIRST_FREE_OBJECTID. */
const SUBVOLUME_INODE = 256;

export interface Found {
  readonly method: "metadata" | "walk";
  /** What the method could not see, one sentence each without a full stop. */
  readonly blind: readonly string[];
}

/**
 * Calls `visit` for each path that differs, in byte order (a directory sorts as
 * `name/`).
 *
 * @throws as diffSubvolumes() and diffWalk()
 */
export function findDifferences(tops: Tops, visit: Visit): Found {
  const { root, base } = tops;
  if (canAdminister() && isSubvolume(root) && (base === undefined || isSubvolume(base))) {
    diffSubvolumes(tops, visit);
    return { method: "metadata", blind: [] };
  }
  if (tops.since !== undefined) {
    throw new Refusal(
      "Cannot tell what was written since: a walk of mounted files has no transactions",
    );
  }
  tops.onMethod?.("walking the mounted files");
  const blind = diffWalk(tops, visit);
  if (!canAdminister()) blind.push("extended attributes named trusted.* are seen by root alone");
  return { method: "walk", blind };
}

function isSubvolume(top: number): boolean {
  return isBtrfs(`/proc/self/fd/${top}`) && fstatSync(top).ino === SUBVOLUME_INODE;
}
