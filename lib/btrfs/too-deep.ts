/**
 * Directories that a walk does not enter for lying too deep.
 *
 * Anybody can nest directories without end, each made from within the last. What is
 * in these is not listed, and that is told: one user's nest must not hide all else.
 */
import { Failure } from "../fault.ts";
import { visible } from "../text.ts";

/** Deeper than any path that a system call takes (PATH_MAX / 2): what a walk holds has to end. */
export const DEPTH_MAX = 4096;
/** Of the first path, which is too long to be read. */
const SHOWN_BYTES = 120;

export class TooDeep {
  #count = 0;
  #first = "";

  /** @param path of the directory that is not entered */
  add(path: Uint8Array): void {
    if (this.#count++ === 0) this.#first = visible(path.subarray(0, SHOWN_BYTES));
  }

  /** Undefined where everything was listed. */
  failure(): Failure | undefined {
    if (this.#count === 0) return undefined;
    const what = this.#count === 1 ? "a directory" : `${this.#count} directories`;
    return new Failure(
      `Cannot list what is in ${what} more than ${DEPTH_MAX} deep, the first in ${this.#first}…`,
      { hint: "All else is listed" },
    );
  }
}

/** @throws Failure where nobody collects what is left out */
export function leaveOut(path: Uint8Array, collector: TooDeep | undefined): void {
  const left = collector ?? new TooDeep();
  left.add(path);
  if (collector === undefined) throw left.failure();
}
