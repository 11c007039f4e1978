/** Times and their medians, and memory. */
import { join } from "node:path";
import { sh } from "../test/support/disk.ts";

/** One run of a line of bash, its output thrown away. */
export function timeLine(line: string): number {
  // 1 is a finding, and what find-new's pipelines end with.
  return timeProgram(["bash", "-c", `{ ${line}; } >/dev/null`], { mayFind: true });
}

/** @throws where it fails: the time of an error message is no measurement */
export function timeProgram(
  argv: readonly string[],
  options: { mayFind?: boolean; env?: Record<string, string> } = {},
): number {
  const begin = Bun.nanoseconds();
  const child = Bun.spawnSync([...argv], {
    env: { ...process.env, ...options.env },
    stdout: "ignore",
    stderr: "pipe",
  });
  const ms = (Bun.nanoseconds() - begin) / 1e6;
  if (child.exitCode > (options.mayFind ? 1 : 0)) {
    throw new Error(`${argv.join(" ")}: status ${child.exitCode}\n${child.stderr}`);
  }
  return ms;
}

/**
 * The most memory that a program held at once, in bytes.
 *
 * A child begins with the peak of the process that starts it, so that has to be a small one.
 */
export function peakBytes(argv: readonly string[]): number {
  const measure = join(import.meta.dir, "peak.ts");
  return Number(sh([process.execPath, measure, ...argv]));
}

/** What one run takes of processors, in its own code and in the kernel for it; all threads. */
export interface Work {
  readonly ownMs: number;
  readonly kernelMs: number;
}

/** Medians of several runs, their output thrown away. */
export function workOf(argv: readonly string[], rounds: number): Work {
  const times = Array.from({ length: rounds }, () => {
    const child = Bun.spawnSync([...argv], { stdout: "ignore", stderr: "inherit" });
    return child.resourceUsage.cpuTime;
  });
  const medianMs = (part: "user" | "system") =>
    median(times.map((time) => Number(time[part]) / 1000))!;
  return { ownMs: medianMs("user"), kernelMs: medianMs("system") };
}

export function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
