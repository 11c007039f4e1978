/**
 * How far a copy is, and how long it may still take.
 *
 * A small file takes as long as so many bytes of a large one: what is done and what
 * is left are counted in both, as one number.
 */
import type { CopyAction } from "../plans/copy.ts";
import { formatBytes } from "../text.ts";

/** What making one path takes, in bytes that are copied in that time. */
const PATH_BYTES = 64 * 1024;
/** Before that it would be a guess about nothing. */
const FIRST_AFTER_MS = 2000;

export class CopyProgress {
  readonly #paths: number;
  readonly #bytes: number;
  readonly #beginMs: number;
  #madePaths = 0;
  #madeBytes = 0;
  /** Of the file at hand. */
  #partBytes = 0;

  constructor(actions: readonly CopyAction[], nowMs: number) {
    this.#paths = actions.length;
    this.#bytes = actions.reduce((sum, action) => sum + bytesOf(action), 0);
    this.#beginMs = nowMs;
  }

  /** A path is made, or left out. */
  add(action: CopyAction): void {
    this.#madePaths++;
    this.#madeBytes += bytesOf(action);
    this.#partBytes = 0;
  }

  /** A part of a file is copied. */
  addBytes(count: number): void {
    this.#partBytes += count;
  }

  text(nowMs: number): string {
    const bytes = Math.min(this.#bytes, this.#madeBytes + this.#partBytes);
    const count = (number: number) => number.toLocaleString("en");
    const paths = `${count(this.#madePaths)} of ${count(this.#paths)} paths`;
    const sizes = `${formatBytes(bytes)} of ${formatBytes(this.#bytes)}`;
    const left = this.#left(bytes, nowMs);
    return `${paths}, ${sizes}${left === undefined ? "" : `, ${formatTime(left)} left`}`;
  }

  /** In milliseconds. */
  #left(bytes: number, nowMs: number): number | undefined {
    const elapsed = nowMs - this.#beginMs;
    const done = bytes + this.#madePaths * PATH_BYTES;
    const all = this.#bytes + this.#paths * PATH_BYTES;
    if (elapsed < FIRST_AFTER_MS || done === 0) return undefined;
    return (elapsed * (all - done)) / done;
  }
}

function bytesOf({ kind, status }: CopyAction): number {
  return kind === "copy-file" ? status.sizeBytes : 0;
}

/** Such as 7 s, 1:05 min or 2:30 h. */
export function formatTime(ms: number): string {
  const seconds = Math.ceil(ms / 1000);
  if (seconds < 60) return `${seconds} s`;
  const parts = (all: number) =>
    `${Math.floor(all / 60)}:${String(Math.floor(all % 60)).padStart(2, "0")}`;
  return seconds < 3600 ? `${parts(seconds)} min` : `${parts(seconds / 60)} h`;
}
