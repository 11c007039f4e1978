/**
 * What is new since a transaction, in a subvolume and in those nested in it: what was
 * written, and every path that was not there under its name.
 *
 * Whatever is written is written to its inode. A rename writes what is renamed and
 * nothing below it, and a snapshot nothing at all; but an entry of a directory says
 * itself in which transaction it was made, so from the first new one on a path is
 * new, and all below it. A name that went is known only where there is a base that
 * has it.
 */
import type { Status } from "./change.ts";
import { readSubvolumeRecord } from "./root-item.ts";
import type { Level, Subvolume } from "./side.ts";
import { readTouched, type Touched } from "./touched.ts";
import type { TreeChange } from "./tree-change.ts";
import type { TreeReader } from "./tree-reader.ts";

/** No path is new. */
const NOWHERE = Number.POSITIVE_INFINITY;

/** The transaction from which on something counts; undefined where all does, for the root was made since. */
export function countingFrom(
  { reader, tree }: Subvolume,
  since: number | undefined,
): number | undefined {
  if (since === undefined) return undefined;
  const record = readSubvolumeRecord(reader, tree);
  return record !== undefined && record.otransid >= since ? undefined : since;
}

export class Since {
  readonly #reader: TreeReader;
  readonly #transaction: number;
  readonly #trees = new Map<number, Touched>();
  /** Length of the path of the directory with the new entry that the walk is at or below. */
  #newIn = NOWHERE;

  /** @param reader free whenever this is asked */
  constructor(reader: TreeReader, transaction: number) {
    this.#reader = reader;
    this.#transaction = transaction;
  }

  /**
   * Whether nothing happened to an entry of a directory, nor to anything below it. To
   * be asked for each entry that a walk comes to, before what is below.
   *
   * @param pathLength of the directory
   */
  passesOver({ directory, listing, rank }: Level, pathLength: number): boolean {
    if (pathLength <= this.#newIn) this.#newIn = listing.isNew(rank) ? pathLength : NOWHERE;
    // A nested subvolume is a tree of its own.
    if (this.#isNew || listing.type(rank) === undefined) return false;
    const { inodes, above } = this.#of(directory.tree);
    const inode = listing.child(rank);
    return !inodes.has(inode) && !above.has(inode);
  }

  /** Whether the path that the walk is at is new, or its inode was written. */
  has({ tree, inodeNumber }: TreeChange): boolean {
    return this.#isNew || this.#of(tree).inodes.has(inodeNumber);
  }

  /** Without a base: a new path, or else written in a way that can't be told. */
  statusOf({ type }: TreeChange): Status {
    if (this.#isNew) return "A";
    return type === "file" ? "M" : "m";
  }

  get #isNew(): boolean {
    return this.#newIn !== NOWHERE;
  }

  #of(tree: number): Touched {
    let touched = this.#trees.get(tree);
    if (touched === undefined) {
      touched = readTouched(this.#reader, tree, this.#transaction);
      this.#trees.set(tree, touched);
    }
    return touched;
  }
}
