/**
 * Another thread of a shared walk: each directory ahead that is still free is
 * walked and its records are sent, until none is left.
 *
 * What goes wrong here is left to the thread that began: a directory that is not
 * done is given back, and it fails there in the same way, with words.
 */
import { bytesOf, type WalkAhead, walkAhead } from "./records.ts";
import { DONE, FREE, States, THEIRS } from "./states.ts";
import type { Records, Work } from "./work.ts";

/** @param send takes the records, and their memory */
export function helpWith(work: Work, send: (records: Records) => void): void {
  const states = new States(work.states);
  const walk = walkUnlessFailing(work, () => states.showLife());
  if (walk === undefined) return;
  // One behind the walk's own: that one is its next.
  for (let next = 0; ; next++) {
    states.waitForRoom();
    const index = states.takeNext(Math.max(next, states.position + 1), THEIRS);
    if (index === undefined) return;
    next = index;
    try {
      const records = walk(index);
      states.addWaiting(bytesOf(records));
      send(records);
      states.settle(index, DONE);
    } catch {
      states.settle(index, FREE);
      return;
    }
  }
}

/** Undefined where it can't begin: then nothing was taken. */
function walkUnlessFailing(work: Work, live: () => void): WalkAhead | undefined {
  try {
    return walkAhead(work, live);
  } catch {
    return undefined;
  }
}
