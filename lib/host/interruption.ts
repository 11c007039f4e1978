/**
 * Signals while something is being changed: the step at hand is ended, nothing
 * further is begun, and the user is told what state that leaves.
 *
 * Only scripts that change something listen; the others die at once, as any
 * reader may.
 */
import { readFileSync } from "node:fs";
import { constants } from "node:os";
import { Interruption } from "../fault.ts";

const SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** How long a program may take to end after the signal before it is killed. */
const GRACE_MS = 5000;

interface Killable {
  kill(signal: NodeJS.Signals): void;
  readonly exited: Promise<number>;
}

let received: NodeJS.Signals | undefined;
let consequence = "";
const running = new Set<Killable>();

/**
 * From now on a signal ends the run between steps.
 * @param state what an interruption leaves behind, and what to do next
 */
export function listenToInterruptions(state: string): void {
  consequence = state;
  const ignored = ignoredSignals();
  for (const signal of SIGNALS) {
    // nohup(1), and whoever else wants it ignored.
    if (((ignored >> BigInt(constants.signals[signal] - 1)) & 1n) === 1n) continue;
    process.removeAllListeners(signal);
    process.on(signal, () => {
      received ??= signal;
      for (const child of running) end(child, signal);
    });
  }
}

/** A bit for each, from 1 on; see proc_pid_status(5). */
function ignoredSignals(): bigint {
  const mask = /^SigIgn:\s*([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"))?.[1];
  return mask === undefined ? 0n : BigInt(`0x${mask}`);
}

/** @throws Interruption if a signal has come */
export function throwIfInterrupted(): void {
  if (received === undefined) return;
  throw new Interruption(constants.signals[received], `interrupted by ${received}`, consequence);
}

/** While the result lives, a signal to us is passed on to the program. */
export function endAtInterruption(child: Killable): Disposable {
  running.add(child);
  return { [Symbol.dispose]: () => void running.delete(child) };
}

function end(child: Killable, signal: NodeJS.Signals): void {
  child.kill(signal);
  const timer = setTimeout(() => child.kill("SIGKILL"), GRACE_MS);
  void child.exited.then(() => clearTimeout(timer));
}
