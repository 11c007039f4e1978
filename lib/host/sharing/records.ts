/** Directories walked ahead of their turn: their records are kept in memory until it comes. */
import type { AddedFiles } from "../../btrfs/visit.ts";
import { Listing } from "../../report/diff-report.ts";
import { judgesOf } from "../comparison.ts";
import { walkAdded } from "../diff.ts";
import type { Records, Work } from "./work.ts";

const PIECE_BYTES = 64 * 1024;
/** Most directories have less than a piece. */
const FIRST_BYTES = 4096;

/** Walks one of the directories of a work. @throws Failure where it can't be listed whole */
export type WalkAhead = (index: number) => Records;

/**
 * One reader and one judge for all directories.
 *
 * @param live is called now and then
 */
export function walkAhead(work: Omit<Work, "states">, live: () => void): WalkAhead {
  const { directories, evidence, selection, format } = work;
  const judges = judgesOf(evidence);
  const options = { format, sort: undefined, collapse: false };
  const begin = (pieces: Pieces) =>
    new Listing(judges, selection, options, (record) => pieces.add(record));
  let report = begin(new Pieces());
  const visitFiles = (files: AddedFiles) => {
    live();
    return report.addFiles(files);
  };
  const walkBelow = walkAdded(evidence.root, { visitFiles }, (change) => {
    live();
    report.add(change);
  });
  return (index) => {
    const pieces = new Pieces();
    report = begin(pieces);
    walkBelow(directories[index]!);
    report.finish();
    const { count, withheld } = report;
    return { index, pieces: pieces.take(), count, withheld };
  };
}

export function bytesOf({ pieces }: Records): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** Records put together: each piece that is sent costs more than its bytes. */
class Pieces {
  readonly #pieces: Uint8Array[] = [];
  #bytes = new Uint8Array(FIRST_BYTES);
  #used = 0;

  /** Copies the record. */
  add(record: Uint8Array): void {
    if (this.#used + record.length > this.#bytes.length) {
      this.#end(Math.max(PIECE_BYTES, record.length));
    }
    this.#bytes.set(record, this.#used);
    this.#used += record.length;
  }

  take(): Uint8Array[] {
    this.#end(0);
    return this.#pieces;
  }

  #end(nextBytes: number): void {
    if (this.#used > 0) this.#pieces.push(this.#bytes.slice(0, this.#used));
    this.#bytes = new Uint8Array(nextBytes);
    this.#used = 0;
  }
}
