/**
 * Looks for paths in one root, by its metadata: of a directory's files only those
 * whose names may match are looked at closer.
 */
import type { Change } from "../btrfs/change.ts";
import type { Listing } from "../btrfs/directory.ts";
import type { TooDeep } from "../btrfs/too-deep.ts";
import type { AddedFiles } from "../btrfs/visit.ts";
import { type Glob, matchesAny } from "../glob.ts";
import { diffSubvolumes } from "./diff.ts";

export interface Search {
  readonly globs: readonly Glob[];
  readonly tooDeep: TooDeep;
  /** Called now and then, for a sign of life. */
  onStep(): void;
}

/** Calls `visit` for each path that matches, in byte order. @param root its top, open */
export function findInRoot(root: number, search: Search, visit: (change: Change) => void): void {
  const { globs, tooDeep, onStep } = search;
  const byName = globs.every((glob) => glob.of === "name");
  // False: they come one by one.
  const visitFiles = ({ entries, from, to }: AddedFiles) => {
    onStep();
    if (!byName) return false;
    return !globs.some((glob) => hasMatch(glob, entries, from, to));
  };
  diffSubvolumes({ root, base: undefined, tooDeep, visitFiles }, (change) => {
    onStep();
    if (matchesAny(globs, change.path)) visit(change);
  });
}

function hasMatch(glob: Glob, entries: Listing, from: number, to: number): boolean {
  for (let rank = from; rank < to; rank++) {
    const start = entries.nameStart(rank);
    if (glob.matches(entries.arena, start, start + entries.nameLength(rank))) return true;
  }
  return false;
}
