/**
 * Why one path has no copy, where the reason concerns no other.
 *
 * What programs do to a file meanwhile, a sector that can't be read, or what a user
 * puts in the way in a directory of his own, is no reason to leave all else uncopied:
 * the path is left out, and told at the end.
 */
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
