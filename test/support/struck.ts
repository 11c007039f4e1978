/** Runs the command line from its sources with something happening at one call of the C library. */
import { join } from "node:path";
import { MAIN } from "./blankroot.ts";
import type { Strike } from "./struck-libc.ts";

const PRELOAD = join(import.meta.dir, "struck-libc.ts");

export function struckRun(words: readonly string[], strike: Strike) {
  const argv = [process.execPath, "--preload", PRELOAD, MAIN, ...words];
  const env = { ...process.env, STRIKE: JSON.stringify(strike) };
  const child = Bun.spawnSync(argv, { env, stdout: "pipe", stderr: "pipe" });
  return {
    signal: child.signalCode,
    status: child.exitCode,
    stdout: child.stdout.toString(),
    stderr: child.stderr.toString(),
  };
}
