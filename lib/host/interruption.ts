/**
 * Signals while something is being changed: the step at hand is ended, nothing
 * further is begun, and the user is told what state that leaves.
 *
 * Only scripts that change something listen; the others die at once, as any
 * reader may.
 */
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
  for (const signal of SIGNALS) {
    process.removeAllListeners(signal);
    process.on(signal, () => {
      received ??= signal;
      for (const child of running) end(child, signal);
    });
  }
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
