/**
 * Why one path has no copy, where the reason concerns no other.
 *
 * What programs do to a file meanwhile, a sector that can't be read, or what a user
 * puts in the way in a directory of his own, is no reason to leave all else uncopied:
 * the path is left out, and told at the end.
 */
import { latin1, latin1OfParent } from "../../latin1.ts";
import type { Skipped } from "../../plans/copy.ts";
import { CallFailure } from "../libc.ts";

export class LeftOut extends Error {
  override readonly name = "LeftOut";
  readonly reason: string;

  constructor(reason: string, cause?: unknown) {
    super(reason, { cause });
    this.reason = reason;
  }
}

/** What a whole file system, or we, have no more of: the next path would meet it too. */
const OF_ALL = new Set(["ENOSPC", "EDQUOT", "EIO", "EROFS", "ENOMEM", "EMFILE", "ENFILE"]);

/** Undefined where it is no reason of one path's own. */
export function reasonToLeaveOut(error: unknown): string | undefined {
  if (error instanceof LeftOut) return error.reason;
  return error instanceof CallFailure && !OF_ALL.has(error.code) ? error.message : undefined;
}

/** What a disk says of what it holds damaged: no reason not to copy all else. */
export const OF_DISK: ReadonlySet<string> = new Set(["EIO", "EUCLEAN", "EBADMSG"]);

/** @param what such as "it can't be listed". @returns undefined where the disk has not said that */
export function reasonOfDisk(error: unknown, what: string): string | undefined {
  if (!(error instanceof CallFailure && OF_DISK.has(error.code))) return undefined;
  return `${what} (${error.code})`;
}

/** @param read reads what is of one path alone. @throws LeftOut where the disk doesn't give that */
export function orLeaveOut<T>(read: () => T, what = "it can't be read"): T {
  try {
    return read();
  } catch (error) {
    const reason = reasonOfDisk(error, what);
    throw reason === undefined ? error : new LeftOut(reason, error);
  }
}

/** The paths of a run that have no copy. What needs one of them can have none either. */
export class LeftOutPaths {
  /** As latin1. */
  readonly #paths = new Set<string>();
  /** Directories that are not whole, or may not be. */
  readonly #partial = new Set<string>();
  readonly #onLeftOut: (path: Skipped) => void;

  /** @param before what the plan leaves out, which ends nothing that needs it */
  constructor(before: readonly Skipped[], onLeftOut: (path: Skipped) => void) {
    this.#onLeftOut = onLeftOut;
    for (const { path } of before) this.#partial.add(latin1(path)).add(latin1OfParent(path));
  }

  has(path: Uint8Array | undefined): boolean {
    return path !== undefined && this.#paths.size > 0 && this.#paths.has(latin1(path));
  }

  /** Whether another run has something to put into a directory. */
  isIn(directory: Uint8Array): boolean {
    return this.#partial.size > 0 && this.#partial.has(latin1(directory));
  }

  /** @throws the error where it is no reason of the path's own: it ends the run */
  addFor(error: unknown, { path }: { readonly path: Uint8Array }): void {
    const reason = reasonToLeaveOut(error);
    if (reason === undefined) throw error;
    this.#paths.add(latin1(path));
    this.#partial.add(latin1OfParent(path));
    this.#onLeftOut({ path, reason });
  }

  /** @throws LeftOut where the path's directory was left out */
  refuseBelow(path: Uint8Array): void {
    if (this.#paths.size === 0 || !this.#paths.has(latin1OfParent(path))) return;
    throw new LeftOut("its directory was left out");
  }
}
