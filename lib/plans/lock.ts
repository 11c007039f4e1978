/**
 * A device's advisory lock (flock(2)), which programs that change it agree to
 * take; see systemd's "Locking Block Device Access". Whoever has it may keep it
 * for ever, so nobody waits for it without bound.
 */
import type { Check } from "../plan.ts";

/** udev has locks on disks for moments; another run that changes them has one for longer. */
const LOCK_WAIT_SECONDS = 2;

/** The words before a command that is to run with the lock. */
export function withLock(node: string): string[] {
  // Without a fork a signal reaches the program itself, not only its keeper.
  return ["flock", "--no-fork", "--exclusive", "--timeout", String(LOCK_WAIT_SECONDS), node];
}

/** @param who may have it, such as "another rollback" */
export function lockIsFree(node: string, who: string): Check {
  const [program, ...rest] = withLock(node);
  return {
    what: `the lock on ${node}, which ${who} may have`,
    argv: [program!, "--conflict-exit-code", "0", ...rest, "echo", "free"],
    expected: "free",
  };
}
