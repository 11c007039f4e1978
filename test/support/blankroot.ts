/** Runs the command line as a user does: a process of its own, its statuses and both streams. */
import { join } from "node:path";

/** The command line's source, for tests that load something before it. */
export const MAIN = join(import.meta.dir, "../../scripts/main.ts");

/** What `npm test -- --executable FILE` has tested in the place of the sources. */
const executable = process.env.BLANKROOT_TEST_EXECUTABLE;

/** The words that call the command line. */
export const COMMAND: readonly string[] =
  executable === undefined ? [process.execPath, MAIN] : [executable];

export interface Ran {
  readonly status: number;
  readonly stdout: string;
  /** What stdout is where names are not UTF-8. */
  readonly stdoutBytes: Uint8Array;
  readonly stderr: string;
}

export function blankroot(
  words: readonly (string | Uint8Array)[],
  options: { stdin?: string | Uint8Array; cwd?: string; env?: Record<string, string> } = {},
): Ran {
  const child = Bun.spawnSync([...COMMAND, ...(words as string[])], {
    cwd: options.cwd ?? "/",
    env: { ...process.env, BLANKROOT_PROFILE: undefined, ...options.env },
    stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    status: child.exitCode,
    stdout: child.stdout.toString(),
    stdoutBytes: child.stdout,
    stderr: child.stderr.toString(),
  };
}

/** The same, where anything but success is a fault of the test. */
export function succeed(...words: string[]): Ran {
  const ran = blankroot(words);
  if (ran.status === 0) return ran;
  throw new Error(`blankroot ${words.join(" ")}: status ${ran.status}\n${ran.stderr}${ran.stdout}`);
}
