/**
 * The trees that a copy is read from: the root subvolume as it is, or a snapshot of
 * it, which holds none of the subvolumes nested in the root: each of these is a tree
 * of its own, found by the longest path that leads to it.
 */
import type { NestedSource } from "../../copy/events.ts";
import { latin1 } from "../../latin1.ts";
import { statusOf } from "../inode-status.ts";

export interface SourceTree {
  /** An open descriptor of its top. */
  readonly fd: number;
  /** The same of what programs write to: itself, unless it is a snapshot. */
  readonly live: number;
  /** Nothing in it can change: what was looked at is what is copied. */
  readonly isFrozen: boolean;
}

/** A path as one of the trees has it. */
export interface Found {
  readonly tree: SourceTree;
  /** Below the top of the tree, with a leading "/"; empty for the top itself. */
  readonly rest: Uint8Array;
}

/** Gives the tree of a subvolume whose place is empty in a snapshot; undefined where there is none. */
export type EnterNested = (place: Found, path: Uint8Array) => SourceTree | undefined;

export class SourceTrees {
  readonly root: SourceTree;
  readonly #enter: EnterNested;
  /** By path as latin1, the deepest first. */
  readonly #nested: Array<{ readonly path: string; readonly tree: SourceTree }> = [];

  constructor(root: SourceTree, enter: EnterNested = () => undefined) {
    this.root = root;
    this.#enter = enter;
  }

  /** The root as it is, with all that is nested in it. @param fd open at its top */
  static live(fd: number): SourceTrees {
    return new SourceTrees({ fd, live: fd, isFrozen: false });
  }

  /** The root and what was met of what is nested in it. */
  get all(): SourceTree[] {
    return [this.root, ...this.#nested.map(({ tree }) => tree)];
  }

  /** The nested subvolumes that were met, by path. */
  get nested(): NestedSource[] {
    const met = this.#nested.map(({ path, tree: { isFrozen } }) => ({
      path: Buffer.from(path, "latin1"),
      isFrozen,
    }));
    return met.sort((a, b) => Buffer.compare(a.path, b.path));
  }

  /** What programs write to, in the place of what was frozen of it. */
  asLive(): SourceTrees {
    const live = new SourceTrees(thaw(this.root));
    live.#nested.push(...this.#nested.map(({ path, tree }) => ({ path, tree: thaw(tree) })));
    return live;
  }

  find(path: Uint8Array): Found {
    if (this.#nested.length === 0) return { tree: this.root, rest: path };
    const text = latin1(path);
    const holder = this.#nested.find(
      (each) => text === each.path || text.startsWith(`${each.path}/`),
    );
    if (holder === undefined) return { tree: this.root, rest: path };
    return { tree: holder.tree, rest: path.subarray(holder.path.length) };
  }

  /** Goes on into a nested subvolume from the empty directory that a snapshot has in its place. */
  enter(path: Uint8Array): boolean {
    const tree = this.#enter(this.find(path), path);
    if (tree === undefined) return false;
    this.#nested.push({ path: latin1(path), tree });
    this.#nested.sort((a, b) => b.path.length - a.path.length);
    return true;
  }

  /** Whether a status that was read from a tree is of an inode that is open elsewhere as live. */
  isLive(tree: SourceTree, inode: bigint, live: { device: bigint; inode: bigint }): boolean {
    return inode === live.inode && statusOf(tree.live).device === live.device;
  }
}

function thaw({ live }: SourceTree): SourceTree {
  return { fd: live, live, isFrozen: false };
}
