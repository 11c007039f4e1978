/**
 * What is in the directories of the root: by the kernel's word; or from the metadata where
 * the tree can't change, with what these tell of each.
 *
 * The search for a directory's names goes on into the block behind them: what can't be read
 * there may be of other files, which are no reason not to copy these. So the kernel is asked.
 */
import { Damage } from "../../btrfs/damage.ts";
import { type DirectoryInode, DirectoryInodes } from "../../btrfs/directory-inodes.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { type Handle, namesIn } from "../at.ts";
import { subvolumeOf } from "../btrfs-ioctl.ts";
import { statusOf } from "../inode-status.ts";
import { CallFailure } from "../libc.ts";
import { TreeSearch } from "../tree-search.ts";
import type { SourceTree, SourceTrees } from "./trees.ts";

export interface Listed {
  readonly name: Uint8Array;
  /** Where it is known. */
  readonly status?: InodeStatus | undefined;
}

export class Listings {
  readonly #trees: SourceTrees;
  readonly #frozen = new Map<SourceTree, DirectoryInodes>();

  constructor(trees: SourceTrees) {
    this.#trees = trees;
  }

  /**
   * @param path of the directory
   * @param inode its number
   * @param open opens it, where the kernel is to be asked
   * @returns nothing where it is gone
   * @throws Failure
   */
  of(path: Uint8Array, inode: bigint, open: () => Handle | undefined): readonly Listed[] {
    const { tree } = this.#trees.find(path);
    const known = tree.isFrozen ? this.#search(tree, Number(inode)) : undefined;
    if (known !== undefined) return known;
    const directory = open();
    return directory === undefined ? [] : namesIn(directory, path).map((name) => ({ name }));
  }

  /** Undefined where a block can't be read, or makes no sense. */
  #search(tree: SourceTree, inode: number): DirectoryInode[] | undefined {
    try {
      return [...this.#inodesOf(tree).of(inode)];
    } catch (error) {
      if (error instanceof CallFailure || error instanceof Damage) return undefined;
      throw error;
    }
  }

  #inodesOf(tree: SourceTree): DirectoryInodes {
    const known = this.#frozen.get(tree);
    if (known !== undefined) return known;
    const { fd } = tree;
    const subvolume = { tree: subvolumeOf(fd), inodes: new TreeSearch(fd) };
    const inodes = new DirectoryInodes(subvolume, statusOf(fd).device);
    this.#frozen.set(tree, inodes);
    return inodes;
  }
}
