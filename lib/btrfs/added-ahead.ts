/** The added directories that a walk has still to come to, as far as it has listed them. */
import type { PathBuffer } from "./path-buffer.ts";
import type { Offered } from "./share.ts";
import type { Level } from "./side.ts";

const SLASH = 0x2f;

/** @param levels the directories on the way, the deepest first. @returns in the order of the walk */
export function addedAhead(levels: readonly Level[], path: PathBuffer): Offered[] {
  const ahead: Offered[] = [];
  for (const level of levels) {
    if (!level.isAdded) break;
    const { listing, directory } = level;
    const prefix = path.bytes.slice(0, level.pathLength);
    for (let rank = level.rank + 1; rank < listing.count; rank++) {
      if (listing.type(rank) !== "directory") continue;
      const whole = join(prefix, listing.name(rank));
      ahead.push({ tree: directory.tree, inode: listing.child(rank), path: whole });
    }
  }
  return ahead;
}

function join(directory: Uint8Array, name: Uint8Array): Uint8Array {
  const path = new Uint8Array(directory.length + 1 + name.length);
  path.set(directory);
  path[directory.length] = SLASH;
  path.set(name, directory.length + 1);
  return path;
}
