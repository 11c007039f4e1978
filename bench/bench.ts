/**
 * npm run bench: fs-diff side by side with what people use, and the executable's
 * start beside a bare one, alternating in one run, medians and ratios. Nothing here
 * is a test: times depend on the machine.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { defineScript, runAlone } from "../lib/cli.ts";
import { Scratch, sh } from "../test/support/disk.ts";
import { type Built, build } from "./build.ts";
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

const script = defineScript({
  name: "bench",
  summary: "Measure, side by side with what people use",
  description: [
    "Builds, makes disks of its own and measures fs-diff, the copies and the executable's start; prints tables as the README has them. Needs root, btrfs, gcc, and 40 GiB for the copies; half an hour, on a machine that does nothing else.",
  ],
  profile: "none",
  args: {
    write: { type: "boolean", description: "Put the tables into the README" },
    starts: { type: "boolean", description: "Measure the starts alone" },
    copies: { type: "boolean", description: "Measure the copies alone" },
    warm: { type: "boolean", description: "Leave out what needs an empty cache" },
  },
  run({ args }) {
    using scratch = new Scratch("blankroot-bench-");
    console.error("building, two minutes");
    const built = build(scratch.mkdir("built"));
    const report = args.write === true ? writeTable : printTable;
    const all = args.starts !== true && args.copies !== true;
    if (all || args.starts === true) report("starts", renderStarts(measureStarts(built)));
    if (all || args.copies === true) report("copies", renderCopies(measureCopies(scratch, built)));
    if (all) report("bench", measureAll(scratch, built, args.warm !== true));
    return 0;
  },
});

function measureAll(scratch: Scratch, built: Built, isColdToo: boolean): string {
  console.error("making the sets, two minutes");
  const sets = makeSets(scratch);
  const { server, million, delta } = sets;
  const login = measureLogin(scratch, built, sets);
  const results = [server, million, delta].flatMap((set) =>
    measure(set, contenders(built), ROUNDS[set.name as keyof typeof ROUNDS], isColdToo),
  );
  const empty = Array.from({ length: ROUNDS.server }, () => timeProgram([built.empty]));
  const argv = fsDiff(built, million);
  const peaks = { all: peakBytes(argv), one: peakBytes(["taskset", "--cpu-list", "0", ...argv]) };
  const work = {
    ours: workOf(argv, ROUNDS.million),
    bare: workOf([built.walk, million.root], ROUNDS.million),
  };
  return renderTable(results, { emptyMs: median(empty)!, peaks, work, login });
}

function printTable(_name: string, table: string): void {
  console.log(`${table}\n`);
}

function writeTable(name: string, table: string): void {
  printTable(name, table);
  writeFileSync(README, withTable(readFileSync(README, "utf8"), { name, table }));
}

/** Each in turn, round after round, so that a busy moment hits all alike. */
function measure(
  set: Sample,
  all: readonly Contender[],
  rounds: number,
  isColdToo: boolean,
): Result[] {
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
  for (const run of isColdToo ? runs : []) {
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

await runAlone(script, import.meta.main);
