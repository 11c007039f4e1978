/**
 * How programs of others are started: with the caller's environment, in the C locale.
 *
 * The executable's stub keeps from us whatever could change what runs, LD_PRELOAD or
 * BUN_OPTIONS (launcher/stub.c), and Bun would hand on variables as text, which they need
 * not be. So the executable starts itself anew, and there the stub executes the program
 * with what the kernel still has (launcher/program.h).
 */
import { openSync } from "node:fs";
import { COMMIT } from "../version.ts";

/** Of launcher/program.h. */
const STARTER = "blankroot: start";
const SELF = "/proc/self/exe";

/** What a program gets as stdin, stdout, stderr and from 3 on. */
export type Stdio = readonly (number | "ignore" | "pipe" | Blob | Uint8Array)[];

/** For Bun.spawn or Bun.spawnSync, beside options of the caller's own. */
export interface Start {
  readonly cmd: string[];
  readonly argv0?: string;
  readonly env: Record<string, string | undefined>;
  readonly stdio: [never, "pipe", "pipe"];
}

let environment: number | undefined;

/**
 * @param argv a program by its name, looked for on PATH, or its path, and its arguments
 * @returns undefined where there is no such program
 */
export function startOf(argv: readonly string[], stdio: Stdio): Start | undefined {
  const program = Bun.which(argv[0]!);
  if (program === null) return undefined;
  if (COMMIT === undefined) {
    return { cmd: [...argv], env: { ...process.env, LC_ALL: "C" }, stdio: asStdio(stdio) };
  }
  environment ??= openSync("/proc/self/environ", "r");
  return {
    cmd: [SELF, String(stdio.length), program, ...argv],
    argv0: STARTER,
    env: {},
    stdio: asStdio([...stdio, environment]),
  };
}

/** Bun's types know pipes by their place in a tuple of literals. */
function asStdio(stdio: Stdio): Start["stdio"] {
  return [...stdio] as unknown as Start["stdio"];
}
