/**
 * What was written since a transaction, in a subvolume and in those nested in it.
 *
 * A rename writes what was renamed and both directories, so a name that is new is
 * found too; a name that went is known only where there is a base that has it.
 */
import type { Status } from "./change.ts";
import { readTouched, type Touched } from "./touched.ts";
import type { TreeChange } from "./tree-change.ts";
import type { TreeReader } from "./tree-reader.ts";

export class Since {
  readonly #reader: TreeReader;
  readonly #transaction: number;
  readonly #trees = new Map<number, Touched>();

  /** @param reader free whenever this is asked */
  constructor(reader: TreeReader, transaction: number) {
    this.#reader = reader;
    this.#transaction = transaction;
  }

  /** Whether an inode, or something below it, was written. */
  leadsOn({ tree, inode }: { tree: number; inode: number }): boolean {
    const touched = this.#of(tree);
    return touched.inodes.has(inode) || touched.above.has(inode);
  }

  has({ tree, inodeNumber }: TreeChange): boolean {
    return this.#of(tree).inodes.has(inodeNumber);
  }

  /** Without a base: made since, or else written in a way that can't be told. */
  statusOf(change: TreeChange): Status {
    if (change.inode().generation >= this.#transaction) return "A";
    return change.type === "file" ? "M" : "m";
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
