/** The same comparison with and without what spares it the paths that can't have changed. */
import { closeSync, openSync } from "node:fs";
import { findDelta } from "../../lib/btrfs/delta.ts";
import { diffTrees } from "../../lib/btrfs/diff-trees.ts";
import { subvolumeOf, syncFilesystem } from "../../lib/host/btrfs-ioctl.ts";
import { contentBelow } from "../../lib/host/file-content.ts";
import { TreeSearch } from "../../lib/host/tree-search.ts";
import { visible } from "../../lib/text.ts";

export interface BothWays {
  /** What was chosen, and why. */
  readonly reason: string;
  /** `STATUS type path`: as chosen, and with every path compared. */
  readonly chosen: string[];
  readonly exhaustive: string[];
}

/**
 * @param largeBytes as of findDelta(); 0 lets a small base be compared by what was written
 * @param since as of diffTrees()
 */
export function diffBothWays(
  root: string,
  base: string,
  largeBytes?: number,
  since?: number,
): BothWays {
  const fds = [openSync(root, "r"), openSync(base, "r")] as const;
  try {
    for (const fd of fds) syncFilesystem(fd);
    const delta = findDelta(read(fds[0]), read(fds[1]), largeBytes);
    const lines = (touched: typeof delta.touched) => {
      const found: string[] = [];
      diffTrees(
        { root: read(fds[0]), base: read(fds[1]) },
        { content: contentBelow(fds[0], fds[1]), touched, since },
        ({ status, type, path }) => found.push(`${status} ${type} ${visible(path)}`),
      );
      return found;
    };
    return {
      reason: delta.reason,
      chosen: lines(delta.touched),
      exhaustive: lines(undefined),
    };
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

function read(fd: number) {
  return { reader: new TreeSearch(fd), inodes: new TreeSearch(fd), tree: subvolumeOf(fd) };
}
