/**
 * The other thread of a shared walk: from the last directory on, each one that is
 * still free is walked and its records are sent, until both threads have met.
 *
 * What goes wrong here is left to the thread that began: a directory that is not
 * done is given back, and it fails there in the same way, with words.
 */
import { Listing } from "../../report/diff-report.ts";
import { judgesOf } from "../comparison.ts";
import { walkAdded } from "../diff.ts";
import { DONE, FREE, type Records, THEIRS, WAITING_BYTES_MAX, type Work } from "./work.ts";

/** @param send takes the records, and their memory */
export function helpWith(work: Work, send: (records: Records) => void): void {
  const { directories, states } = work;
  for (let index = directories.length - 1; index >= 0; index--) {
    waitForRoom(states, directories.length);
    if (Atomics.compareExchange(states, index, FREE, THEIRS) !== FREE) return;
    try {
      const records = walk(work, index);
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

function walk({ directories, evidence, selection, format }: Work, index: number): Records {
  const pieces: Uint8Array[] = [];
  const options = { format, sort: undefined, collapse: false };
  const report = new Listing(judgesOf(evidence), selection, options, (record) =>
    pieces.push(record.slice()),
  );
  const visitFiles = report.addFiles.bind(report);
  const walkBelow = walkAdded(evidence.root, { visitFiles }, (change) => report.add(change));
  walkBelow(directories[index]!);
  report.finish();
  return { index, pieces, count: report.count, withheld: report.withheld };
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
