/**
 * One at a time, of all processes that run boots: copies of a disk share the ids of their
 * file system, and the kernel takes two that it sees at once for the same.
 */
import { constants, openSync } from "node:fs";
import { constants as osConstants, tmpdir } from "node:os";
import { join } from "node:path";
import { O_CLOEXEC } from "../../../lib/host/at.ts";
import { CallFailure, errno, libc } from "../../../lib/host/libc.ts";

const LOCK_EX = 2;
const OPEN = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW | O_CLOEXEC;
const FILE = join(tmpdir(), "blankroot-test-alone");

let isHeld = false;

/** Waits for its turn, unless it is called by what has it. */
export function alone<T>(act: () => T): T {
  if (isHeld) return act();
  const file = openSync(FILE, OPEN, 0o600);
  try {
    lock(file);
    isHeld = true;
    return act();
  } finally {
    isHeld = false;
    libc().close(file);
  }
}

function lock(file: number): void {
  while (libc().flock(file, LOCK_EX) === -1) {
    const code = errno();
    if (code !== osConstants.errno.EINTR) throw new CallFailure(`Cannot lock ${FILE}`, code);
  }
}
