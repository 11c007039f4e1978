/** A question on the terminal; stdout stays data, so the question goes to stderr. */
import { constants } from "node:os";
import { createInterface } from "node:readline/promises";
import { Interruption } from "../fault.ts";
import { isatty } from "./tty.ts";

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return isatty(0) && isatty(2);
}

/**
 * One line, trimmed; undefined where the input ends or Ctrl-D is typed.
 *
 * @throws Interruption at Ctrl-C, which is no signal while a line is read
 */
export async function ask(question: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const cancel = new AbortController();
  let interrupted = false;
  terminal.on("SIGINT", () => {
    interrupted = true;
    cancel.abort();
  });
  terminal.on("close", () => cancel.abort());
  try {
    return (await terminal.question(question, { signal: cancel.signal })).trim();
  } catch (error) {
    if ((error as Error).name !== "AbortError") throw error;
    if (!interrupted) return undefined;
    throw new Interruption(constants.signals.SIGINT, "interrupted, nothing was touched");
  } finally {
    terminal.close();
  }
}
