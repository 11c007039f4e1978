/** Programs that the build runs, to their end. */

/** @returns its stdout; @throws with what it said where it fails */
export function exec(argv: readonly string[], cwd?: string): string {
  if (Bun.which(argv[0]!) === null) throw new Error(`Cannot build: ${argv[0]} is not installed`);
  const ran = Bun.spawnSync([...argv], {
    ...(cwd === undefined ? {} : { cwd }),
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  if (ran.exitCode === 0) return ran.stdout.toString();
  throw new Error(`Cannot build: ${argv.join(" ")}: status ${ran.exitCode}\n${ran.stderr}`);
}
