/** Results as tables of Markdown, and their places in the README. */
import type { Result } from "./bench.ts";
import type { CopyResult } from "./copies.ts";
import type { LoginTimes } from "./login.ts";
import type { Work } from "./measure.ts";
import type { Start } from "./starts.ts";

const MIB = 1024 ** 2;
const TITLES: Readonly<Record<string, string>> = {
  server: "2,500 paths",
  million: "1,050,000 paths",
  delta: "1,000 changes on 1,050,000",
};

/** What fs-diff needs for the million, in bytes: with a thread for each processor, and on one. */
export interface Peaks {
  readonly all: number;
  readonly one: number;
}

export interface Background {
  /** The start of an executable that does nothing. */
  readonly emptyMs: number;
  readonly peaks: Peaks;
  /** For the million. */
  readonly work: { readonly ours: Work; readonly bare: Work };
  readonly login: LoginTimes;
}

export function renderTable(results: readonly Result[], background: Background): string {
  const sets = Object.keys(TITLES);
  const names = [...new Set(results.map(({ contender }) => contender))];
  const find = (set: string, name: string) =>
    results.find((each) => each.set === set && each.contender === name);
  const rows = names.map((name) => {
    const cells = sets.flatMap((set) => {
      const result = find(set, name);
      const ours = find(set, "fs-diff");
      return [time(result?.warmMs, ours?.warmMs), time(result?.coldMs, ours?.coldMs)];
    });
    return `| ${name.replaceAll("|", "\\|")} | ${cells.join(" | ")} |`;
  });
  return [
    `| | ${sets.map((set) => `${TITLES[set]}, warm | cold`).join(" | ")} |`,
    `| --- |${" ---: | ---: |".repeat(sets.length)}`,
    ...rows,
    "",
    ...remarks(background),
  ].join("\n");
}

function remarks({ emptyMs, peaks, work: { ours, bare }, login }: Background): string[] {
  const whole = (number: number) => number.toFixed(0);
  return [
    `Medians, with the ratio to fs-diff. An executable that does nothing takes ${whole(emptyMs)} ms here; fs-diff`,
    `needs ${whole(peaks.all / MIB)} MiB for the million, and ${whole(peaks.one / MIB)} MiB on one processor. Of its processor time for`,
    `the million, the kernel's searches take ${whole(ours.kernelMs)} ms and its own code in two threads ${whole(ours.ownMs)} ms;`,
    `for the bare search the kernel takes ${whole(bare.kernelMs)} ms. rollback-preview --login on the 2,500 paths takes`,
    `${whole(login.keptMs)} ms over the start where nothing was written since the last time, else ${whole(login.countedMs)} ms.`,
  ];
}

/** The first row is what the others are compared with. */
export function renderStarts(starts: readonly Start[]): string {
  const bare = starts[0]!.ms;
  return [
    "| | size | `--version` |",
    "| --- | ---: | ---: |",
    ...starts.map(
      ({ name, bytes, ms }) => `| ${name} | ${(bytes / MIB).toFixed(1)} MiB | ${time(ms, bare)} |`,
    ),
  ].join("\n");
}

/** Medians, with the ratio to persist-copy, which is the first row. */
export function renderCopies(results: readonly CopyResult[]): string {
  const sets = [...new Set(results.map(({ set }) => set))];
  const names = [...new Set(results.map(({ contender }) => contender))];
  const msOf = (set: string, name: string) =>
    results.find((each) => each.set === set && each.contender === name)?.ms;
  const rows = names.map((name) => {
    const cells = sets.map((set) => time(msOf(set, name), msOf(set, names[0]!)));
    return `| ${name.replaceAll("|", "\\|")} | ${cells.join(" | ")} |`;
  });
  return [`| | ${sets.join(" | ")} |`, `| --- |${" ---: |".repeat(sets.length)}`, ...rows].join(
    "\n",
  );
}

/** @throws where the README has no place of the table's name */
export function withTable(
  readme: string,
  { name, table }: { name: string; table: string },
): string {
  const [begin, end] = [`<!-- ${name} -->`, `<!-- /${name} -->`];
  const start = readme.indexOf(begin);
  const stop = readme.indexOf(end);
  if (start === -1 || stop === -1) throw new Error(`README.md has no ${begin} … ${end}`);
  return `${readme.slice(0, start + begin.length)}\n\n${table}\n\n${readme.slice(stop)}`;
}

function time(ms: number | undefined, oursMs: number | undefined): string {
  if (ms === undefined) return "–";
  const text = ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
  if (oursMs === undefined || ms === oursMs) return text;
  return `${text} (${(ms / oursMs).toFixed(ms / oursMs < 10 ? 1 : 0)} ×)`;
}
