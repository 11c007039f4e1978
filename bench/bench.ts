/**
 * npm run bench: fs-diff side by side with what people use, alternating in one
 * run, medians and ratios. Nothing here is a test: times depend on the machine.
 *
 * Writes the README's table when told to (--write). Needs root, btrfs, gcc.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { Scratch, sh } from "../test/support/disk.ts";
import { build } from "./build.ts";
import { type Contender, contenders } from "./contenders.ts";
import { makeSets, type Sample } from "./sets.ts";
import { renderTable, withTable } from "./table.ts";

const ROUNDS = { server: 21, million: 7, delta: 15 } as const;
const SLOW_ROUNDS = 1;
const README = join(import.meta.dir, "../README.md");

export interface Result {
  readonly set: string;
  readonly contender: string;
  /** Medians; undefined where it was not run. */
  readonly warmMs: number | undefined;
  readonly coldMs: number | undefined;
  readonly peakKiB: number;
  readonly reason: string | undefined;
}

const write = process.argv.includes("--write");
const cold = !process.argv.includes("--warm");
using scratch = new Scratch("blankroot-bench-");
const built = build(scratch.mkdir("built"));
console.error("making the sets, about two minutes");
const sets = makeSets(scratch);
const results: Result[] = [];
for (const set of [sets.server, sets.million, sets.delta]) {
  const rounds = ROUNDS[set.name as keyof typeof ROUNDS];
  results.push(...measure(set, contenders(built), rounds));
}
const empty = medianOf(ROUNDS.server, () => timeMs(join(built, "empty")).ms);
const text = renderTable(results, empty);
console.log(text);
if (write) writeFileSync(README, withTable(readFileSync(README, "utf8"), text));

/** Each in turn, round after round, so that a busy moment hits all alike. */
function measure(set: Sample, all: readonly Contender[], rounds: number): Result[] {
  const runs = all.map((contender) => ({
    contender,
    line: contender.line(set),
    missing: contender.needs.find((program) => Bun.which(program) === null),
    warm: [] as number[],
    cold: [] as number[],
    peakKiB: 0,
  }));
  for (let round = 0; round < rounds; round++) {
    for (const run of runs) {
      const isEnough = run.contender.slow && set.name !== "server" && round >= SLOW_ROUNDS;
      if (run.line === undefined || run.missing !== undefined || isEnough) continue;
      const { ms, peakKiB } = timeMs(run.line);
      run.warm.push(ms);
      run.peakKiB = Math.max(run.peakKiB, peakKiB);
    }
  }
  for (const run of cold ? runs : []) {
    if (run.line === undefined || run.missing !== undefined || run.contender.slow) continue;
    for (let round = 0; round < 3; round++) {
      sh(["sh", "-c", "sync; echo 3 >/proc/sys/vm/drop_caches"]);
      run.cold.push(timeMs(run.line).ms);
    }
  }
  for (const { contender, warm } of runs) {
    console.error(`${set.name}: ${contender.name}: ${median(warm)?.toFixed(1) ?? "not run"} ms`);
  }
  return runs.map(({ contender, warm, cold: colds, peakKiB, missing, line }) => ({
    set: set.name,
    contender: contender.name,
    warmMs: median(warm),
    coldMs: median(colds),
    peakKiB,
    reason:
      line === undefined ? "no answer" : missing === undefined ? undefined : `no ${missing} here`,
  }));
}

/** One run of a line of bash, its output thrown away. */
function timeMs(line: string): { ms: number; peakKiB: number } {
  const begin = Bun.nanoseconds();
  const child = Bun.spawnSync(["bash", "-c", `{ ${line}; } >/dev/null`], { stderr: "pipe" });
  const ms = (Bun.nanoseconds() - begin) / 1e6;
  // 1 is a finding, and what find-new's pipelines end with.
  if (child.exitCode > 1) throw new Error(`${line}: status ${child.exitCode}\n${child.stderr}`);
  return { ms, peakKiB: Math.round(child.resourceUsage.maxRSS / 1024) };
}

function medianOf(rounds: number, run: () => number): number {
  return median(Array.from({ length: rounds }, run))!;
}

function median(values: readonly number[]): number | undefined {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)];
}
