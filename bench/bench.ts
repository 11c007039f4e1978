/**
 * npm run bench: fs-diff side by side with what people use, and the executable's
 * start beside a bare one, alternating in one run, medians and ratios. Nothing here
 * is a test: times depend on the machine.
 *
 *     npm run bench [-- --write] [--starts | --copies] [--warm]
 *
 * --write puts the tables into the README, --starts measures the starts alone and
 * --copies the copies, --warm leaves out what needs an empty cache. Needs root, btrfs,
 * gcc, and 40 GiB for the copies.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { Scratch, sh } from "../test/support/disk.ts";
import { build } from "./build.ts";
import { type Contender, contenders, fsDiff } from "./contenders.ts";
import { measureCopies } from "./copies.ts";
import { measureLogin } from "./login.ts";
import { median, peakBytes, timeLine, timeProgram, workOf } from "./measure.ts";
import { makeSets, type Sample } from "./sets.ts";
import { measureStarts } from "./starts.ts";
import { renderCopies, renderStarts, renderTable, withTable } from "./table.ts";

const ROUNDS = { server: 21, million: 7, delta: 15 } as const;
const SLOW_ROUNDS = 1;
const COLD_ROUNDS = 3;
const README = join(import.meta.dir, "../README.md");

export interface Result {
  readonly set: string;
  readonly contender: string;
  /** Medians; undefined where it was not run. */
  readonly warmMs: number | undefined;
  readonly coldMs: number | undefined;
}

const { values: wanted } = parseArgs({
  options: {
    write: { type: "boolean", default: false },
    starts: { type: "boolean", default: false },
    copies: { type: "boolean", default: false },
    warm: { type: "boolean", default: false },
  },
});
using scratch = new Scratch("blankroot-bench-");
console.error("building, two minutes");
const built = build(scratch.mkdir("built"));
const all = !wanted.starts && !wanted.copies;
if (all || wanted.starts) report("starts", renderStarts(measureStarts(built)));
if (all || wanted.copies) report("copies", renderCopies(measureCopies(scratch, built)));
if (all) {
  console.error("making the sets, two minutes");
  const sets = makeSets(scratch);
  const { server, million, delta } = sets;
  const login = measureLogin(scratch, built, sets);
  const results = [server, million, delta].flatMap((set) =>
    measure(set, contenders(built), ROUNDS[set.name as keyof typeof ROUNDS]),
  );
  const empty = Array.from({ length: ROUNDS.server }, () => timeProgram([built.empty]));
  const argv = fsDiff(built, million);
  const peaks = { all: peakBytes(argv), one: peakBytes(["taskset", "--cpu-list", "0", ...argv]) };
  const work = {
    ours: workOf(argv, ROUNDS.million),
    bare: workOf([built.walk, million.root], ROUNDS.million),
  };
  report("bench", renderTable(results, { emptyMs: median(empty)!, peaks, work, login }));
}

function report(name: string, table: string): void {
  console.log(`${table}\n`);
  if (wanted.write) {
    writeFileSync(README, withTable(readFileSync(README, "utf8"), { name, table }));
  }
}

/** Each in turn, round after round, so that a busy moment hits all alike. */
function measure(set: Sample, all: readonly Contender[], rounds: number): Result[] {
  const runs = all.map((contender) => {
    const line = contender.line(set);
    const missing = contender.needs.find((program) => Bun.which(program) === null);
    if (missing !== undefined) console.error(`${contender.name}: no ${missing} here`);
    const isRun = line !== undefined && missing === undefined;
    return { contender, line: isRun ? line : undefined, warm: [], cold: [] } as Run;
  });
  for (let round = 0; round < rounds; round++) {
    for (const run of runs) {
      const isEnough = run.contender.slow && set.name !== "server" && round >= SLOW_ROUNDS;
      if (run.line === undefined || isEnough) continue;
      run.warm.push(timeLine(run.line));
    }
  }
  for (const run of wanted.warm ? [] : runs) {
    if (run.line === undefined || run.contender.slow) continue;
    for (let round = 0; round < COLD_ROUNDS; round++) {
      sh(["sh", "-c", "sync; echo 3 >/proc/sys/vm/drop_caches"]);
      run.cold.push(timeLine(run.line));
    }
  }
  for (const { contender, warm } of runs) {
    console.error(`${set.name}: ${contender.name}: ${median(warm)?.toFixed(1) ?? "not run"} ms`);
  }
  return runs.map(({ contender, warm, cold }) => ({
    set: set.name,
    contender: contender.name,
    warmMs: median(warm),
    coldMs: median(cold),
  }));
}

interface Run {
  readonly contender: Contender;
  readonly line: string | undefined;
  readonly warm: number[];
  readonly cold: number[];
}
