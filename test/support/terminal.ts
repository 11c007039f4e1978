/** A script on a terminal of its own (script(1) makes it), answered when it asks. */
import { COMMAND } from "./blankroot.ts";

const QUESTION_TIMEOUT_MS = 20_000;

export interface Conversation {
  /** What must appear before the answer is given. */
  readonly until: string;
  /** Typed then, with a newline where it is a line. */
  readonly answer: string;
  /** Done between question and answer. */
  meanwhile?(): void;
}

/** @returns the exit status and all that was on the screen */
export async function converse(words: readonly string[], talk: Conversation) {
  const command = [...COMMAND, ...words].map((word) => `'${word}'`).join(" ");
  const child = Bun.spawn(["script", "--quiet", "--return", "--command", command, "/dev/null"], {
    stdin: "pipe",
    stdout: "pipe",
    stderr: "ignore",
  });
  const timer = setTimeout(() => child.kill(), QUESTION_TIMEOUT_MS);
  let screen = "";
  let answered = false;
  for await (const chunk of child.stdout) {
    screen += new TextDecoder().decode(chunk);
    if (answered || !screen.includes(talk.until)) continue;
    answered = true;
    talk.meanwhile?.();
    child.stdin.write(talk.answer);
    child.stdin.flush();
  }
  clearTimeout(timer);
  child.stdin.end();
  return { status: await child.exited, screen };
}
