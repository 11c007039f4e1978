/** What differs between the two inodes that a path leads to, in root and in base. */
import type { Status } from "./change.ts";
import { sameContent, sameMetadata, sameTimes } from "./compare-inode.ts";
import type { SameBytes } from "./extents.ts";
import type { InodeDetails } from "./inode.ts";
import { LinkedPairs } from "./linked-pairs.ts";
import { type InodeId, isStub, type Side, type Target } from "./side.ts";

/** Reads a range of a file on both sides, where addresses don't tell, and says whether it is the same. */
export type ReadContent = (
  path: Uint8Array,
  inRoot: InodeId,
  inBase: InodeId,
  offset: number,
  length: number,
) => boolean;

export class PairComparison {
  readonly #root: Side;
  readonly #base: Side;
  readonly #content: ReadContent;
  readonly #linked = new LinkedPairs();
  /** Whether both lie on one file system. */
  readonly #comparable: boolean;

  constructor(root: Side, base: Side, content: ReadContent) {
    this.#root = root;
    this.#base = base;
    this.#content = content;
    this.#comparable = root.reader.filesystem === base.reader.filesystem;
  }

  /**
   * A stub has neither owner nor times of its own, so there only the mode can differ.
   *
   * @param timesCount whether differing times are a change in themselves
   */
  directories(inRoot: Target, inBase: Target, timesCount: boolean): Status | undefined {
    const ours = this.#root.inode(inRoot);
    const theirs = this.#base.inode(inBase);
    if (ours === undefined || theirs === undefined) return whichIsLeft(ours, theirs);
    const same =
      isStub(inRoot) || isStub(inBase)
        ? ours.mode === theirs.mode
        : sameMetadata(ours, theirs) && (!timesCount || this.#sameTimes(ours, theirs));
    return same ? undefined : "m";
  }

  /** @param path asked for only where content must be read */
  files(path: () => Uint8Array, inRoot: Target, inBase: Target): Status | undefined {
    const ours = this.#root.inode(inRoot);
    const theirs = this.#base.inode(inBase);
    if (ours === undefined || theirs === undefined) return whichIsLeft(ours, theirs);
    const sameBytes: SameBytes = (offset, length) =>
      this.#content(path(), inRoot, inBase, offset, length);
    const left = { inode: ours, cursor: this.#root.cursor };
    const right = { inode: theirs, cursor: this.#base.cursor };
    const same = this.#linked.ask(ours, theirs, () =>
      sameContent(inRoot.type, left, right, this.#comparable, sameBytes),
    );
    if (!same) return "M";
    return sameMetadata(ours, theirs) && this.#sameTimes(ours, theirs) ? undefined : "m";
  }

  #sameTimes(ours: InodeDetails, theirs: InodeDetails): boolean {
    return sameTimes(ours, theirs, this.#comparable);
  }
}

/** The status of a path that went away from one side, or from both, since it was listed. */
function whichIsLeft(ours: unknown, theirs: unknown): Status | undefined {
  if (ours !== undefined) return "A";
  return theirs === undefined ? undefined : "D";
}
