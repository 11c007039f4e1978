/**
 * The persist root claimed for one run, before anything is begun: writable, and
 * nobody else's turn. Two runs would take each other's unfinished work for what a
 * killed one left.
 *
 * The lock (flock(2)) is on a file that only root can open: whoever may read the
 * persist root could hold one on that, and keep root from saving anything. It ends
 * with the descriptor, however we end; the file stays, being no more than a name.
 */
import { accessSync, constants, fstatSync, mkdirSync, openSync } from "node:fs";
import { Refusal } from "../../fault.ts";
import { visible } from "../../text.ts";
import { O_CLOEXEC } from "../at.ts";
import { CallFailure, errno, libc } from "../libc.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;
/** Only root can write to /run, and it is gone with the boot. */
const LOCKS = "/run/blankroot";

/** @throws Refusal */
export function claimPersistRoot({ fd, path }: { fd: number; path: string }): void {
  refuseUnlessWritable(fd, path);
  if (libc().flock(openLock(fd, path), LOCK_EX | LOCK_NB) !== -1) return;
  const code = errno();
  const fault = new CallFailure(`Cannot lock ${visible(path)}`, code);
  if (fault.code !== "EAGAIN" && fault.code !== "EWOULDBLOCK") throw fault;
  throw new Refusal(`Cannot copy to ${visible(path)}: another persist-copy is at work there`);
}

/** One file for a directory, whatever path leads to it. @returns its descriptor, never closed */
function openLock(fd: number, path: string): number {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const file = `${LOCKS}/persist-copy-${dev}-${ino}.lock`;
  try {
    mkdirSync(LOCKS, { recursive: true, mode: 0o755 });
    return openSync(
      file,
      constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | O_CLOEXEC,
      0o600,
    );
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Refusal(`Cannot copy to ${visible(path)}: can't make the lock ${file} (${code})`, {
      cause,
    });
  }
}

function refuseUnlessWritable(fd: number, path: string): void {
  try {
    accessSync(`/proc/self/fd/${fd}`, constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const state = code === "EROFS" ? "it is mounted read-only" : `it can't be written to (${code})`;
    throw new Refusal(`Cannot copy to ${visible(path)}: ${state}`, { cause });
  }
}
