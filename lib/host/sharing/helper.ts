/**
 * The other thread of a shared walk: from the last directory on, each one that is
 * still free is walked and its records are sent, until both threads have met.
 *
 * What goes wrong here is left to the thread that began: a directory that is not
 * done is given back, and it fails there in the same way, with words.
 */
import type { AddedFiles } from "../../btrfs/visit.ts";
import { Listing } from "../../report/diff-report.ts";
import { judgesOf } from "../comparison.ts";
import { walkAdded } from "../diff.ts";
import { DONE, FREE, type Records, THEIRS, WAITING_BYTES_MAX, type Work } from "./work.ts";

const PIECE_BYTES = 64 * 1024;
/** Most directories have less than a piece. */
const FIRST_BYTES = 4096;

/** @param send takes the records, and their memory */
export function helpWith(work: Work, send: (records: Records) => void): void {
  const { directories, states } = work;
  const walk = walkUnlessFailing(work);
  if (walk === undefined) return;
  for (let index = directories.length - 1; index >= 0; index--) {
    waitForRoom(states, directories.length);
    if (Atomics.compareExchange(states, index, FREE, THEIRS) !== FREE) return;
    try {
      const records = walk(index);
      const bytes = records.pieces.reduce((sum, piece) => sum + piece.length, 0);
      Atomics.add(states, directories.length, bytes);
      send(records);
      settle(states, index, DONE);
    } catch {
      settle(states, index, FREE);
      return;
    }
  }
}

/** Undefined where it can't begin: then nothing was taken. */
function walkUnlessFailing(work: Work): ReturnType<typeof walkOf> | undefined {
  try {
    return walkOf(work);
  } catch {
    return undefined;
  }
}

/** Walks one of the directories after another, with one reader and one judge for all. */
function walkOf({
  directories,
  states,
  evidence,
  selection,
  format,
}: Work): (index: number) => Records {
  const judges = judgesOf(evidence);
  const options = { format, sort: undefined, collapse: false };
  const begin = (pieces: Pieces) =>
    new Listing(judges, selection, options, (record) => pieces.add(record));
  let report = begin(new Pieces());
  const live = () => void Atomics.add(states, directories.length + 1, 1);
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

function waitForRoom(states: Int32Array<SharedArrayBuffer>, at: number): void {
  for (let bytes = Atomics.load(states, at); bytes > WAITING_BYTES_MAX; ) {
    Atomics.wait(states, at, bytes);
    bytes = Atomics.load(states, at);
  }
}

function settle(states: Int32Array<SharedArrayBuffer>, index: number, state: number): void {
  Atomics.store(states, index, state);
  Atomics.notify(states, index);
}
