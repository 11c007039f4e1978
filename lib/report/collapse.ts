/**
 * Directories that are wholly lost, each standing for all of its content.
 *
 * A directory stands for its content only where it is new itself and everything
 * below it is lost: one kept, managed or ignored path, at whatever depth, and it
 * doesn't, nor does any above it. Which these are is known only after its last
 * path, so they are found in a first pass, which keeps no more than the
 * directories that do not stand for theirs.
 */
import { type Change, isDirectory } from "../btrfs/change.ts";
import { ByteSum } from "../byte-sum.ts";
import type { Verdict } from "../fate.ts";
import { latin1 } from "../latin1.ts";

const SLASH = 0x2f;

export class Mixed {
  /** Directories with something below them that is not lost, as latin1. */
  readonly #directories = new Set<string>();

  /** To be called for every change of the first pass. */
  note(change: Change, { fate }: Verdict): void {
    // What a program makes anew when it starts is nothing to keep a directory for.
    if (fate === "lost" || change.type === "socket") return;
    const path = latin1(change.path);
    for (let end = path.lastIndexOf("/"); end > 0; end = path.lastIndexOf("/", end - 1)) {
      const directory = path.slice(0, end);
      if (this.#directories.has(directory)) return;
      this.#directories.add(directory);
    }
  }

  /** Whether the directory stands for all below it. */
  isWhole(change: Change, { fate }: Verdict): boolean {
    const isNew = change.status === "A" && isDirectory(change.type);
    return isNew && fate === "lost" && !this.#directories.has(latin1(change.path));
  }
}

/** A directory that stands for its content, while that goes by. */
export interface Whole {
  /** With a "/" at its end, by which all below it begin. */
  readonly path: Uint8Array;
  count: number;
  readonly bytes: ByteSum;
}

export function wholeOf(change: Change): Whole {
  const path = new Uint8Array(change.path.length + 1);
  path.set(change.path);
  path[change.path.length] = SLASH;
  return { path, count: 0, bytes: new ByteSum() };
}

export function isBelow(path: Uint8Array, { path: top }: Whole): boolean {
  if (path.length < top.length) return false;
  for (let index = top.length - 1; index >= 0; index--)
    if (path[index] !== top[index]) return false;
  return true;
}
