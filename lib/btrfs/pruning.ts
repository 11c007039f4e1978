/**
 * What a walk of a root and of the base that it is a snapshot of need not look at,
 * by what was touched since. Where nothing happened both have the same.
 */
import type { InodeId, Level, Target } from "./side.ts";
import type { Touched } from "./touched.ts";

export class Pruning {
  readonly #touched: Touched;
  readonly #rootTree: number;
  readonly #baseTree: number;

  /** The trees are those of the two subvolumes; trees nested in them are never pruned. */
  constructor(touched: Touched, rootTree: number, baseTree: number) {
    this.#touched = touched;
    this.#rootTree = rootTree;
    this.#baseTree = baseTree;
  }

  /** Whether something happened to an inode, or below it. */
  leadsOn(inode: number): boolean {
    return this.#touched.inodes.has(inode) || this.#touched.above.has(inode);
  }

  /** Whether both entries lead to one inode to which, and below which, nothing happened. */
  spares(ours: Level, theirs: Level): boolean {
    const inode = ours.listing.child(ours.rank);
    return (
      this.#areTheTwo(ours.directory, theirs.directory) &&
      inode === theirs.listing.child(theirs.rank) &&
      ours.listing.type(ours.rank) !== undefined &&
      theirs.listing.type(theirs.rank) !== undefined &&
      !this.leadsOn(inode)
    );
  }

  /** Whether nothing happened to a directory itself: both have the same entries. */
  isPassage(inRoot: Target, inBase: Target): boolean {
    return (
      this.#areTheTwo(inRoot, inBase) &&
      inRoot.inode === inBase.inode &&
      inRoot.type === inBase.type &&
      !this.#touched.inodes.has(inRoot.inode)
    );
  }

  #areTheTwo(inRoot: Pick<InodeId, "tree">, inBase: Pick<InodeId, "tree">): boolean {
    return inRoot.tree === this.#rootTree && inBase.tree === this.#baseTree;
  }
}
