/**
 * What is in the directories of the root: by the kernel's word; or from the metadata where
 * the tree can't change, with what these tell of each.
 */
import { Damage } from "../../btrfs/damage.ts";
import { DirectoryInodes } from "../../btrfs/directory-inodes.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { type Handle, namesIn } from "../at.ts";
import { subvolumeOf } from "../btrfs-ioctl.ts";
import { statusOf } from "../inode-status.ts";
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
   * @param directory open
   * @param path of it
   * @throws Failure
   */
  *of(directory: Handle, path: Uint8Array): Generator<Listed> {
    const { tree } = this.#trees.find(path);
    if (!tree.isFrozen) {
      for (const name of namesIn(directory, path)) yield { name };
      return;
    }
    try {
      yield* this.#inodesOf(tree).of(Number(statusOf(directory.fd).inode));
    } catch (error) {
      throw error instanceof Damage ? error.at(path) : error;
    }
  }

  #inodesOf(tree: SourceTree): DirectoryInodes {
    const known = this.#frozen.get(tree);
    if (known !== undefined) return known;
    const { fd } = tree;
    const reader = new TreeSearch(fd);
    const subvolume = { tree: subvolumeOf(fd), reader, inodes: new TreeSearch(fd) };
    const inodes = new DirectoryInodes(subvolume, statusOf(fd).device);
    this.#frozen.set(tree, inodes);
    return inodes;
  }
}
