/** A question on the terminal; stdout stays data, so the question goes to stderr. */
import { createInterface } from "node:readline/promises";
import { isatty } from "node:tty";

/** Whether there is somebody to ask. */
export function canAsk(): boolean {
  return isatty(0) && isatty(2);
}

/** One line, trimmed; undefined where the input ends or Ctrl-C or Ctrl-D is typed. */
export async function ask(question: string): Promise<string | undefined> {
  const terminal = createInterface({ input: process.stdin, output: process.stderr });
  const cancel = new AbortController();
  terminal.on("SIGINT", () => cancel.abort());
  terminal.on("close", () => cancel.abort());
  try {
    return (await terminal.question(question, { signal: cancel.signal })).trim();
  } catch (error) {
    if ((error as Error).name === "AbortError") return undefined;
    throw error;
  } finally {
    terminal.close();
  }
}
