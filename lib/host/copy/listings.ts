/**
 * What is in the directories of the root: by the kernel's word; or from the metadata where
 * the tree can't change, with what these tell of each.
 *
 * A search reads whole blocks, and goes on into the next one: what it can't read there may
 * be of other files, damaged, which are no reason not to copy these. So the kernel is asked.
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
   * @param directory open
   * @param path of it
   * @throws Failure
   */
  of(directory: Handle, path: Uint8Array): readonly Listed[] {
    const { tree } = this.#trees.find(path);
    const known = tree.isFrozen ? this.#search(tree, directory, path) : undefined;
    return known ?? namesIn(directory, path).map((name) => ({ name }));
  }

  /** Undefined where a block can't be read. */
  #search(tree: SourceTree, directory: Handle, path: Uint8Array): DirectoryInode[] | undefined {
    try {
      return [...this.#inodesOf(tree).of(Number(statusOf(directory.fd).inode))];
    } catch (error) {
      if (error instanceof CallFailure) return undefined;
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
