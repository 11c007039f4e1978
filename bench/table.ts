/** Results as a table of Markdown, and its place in the README. */
import type { Result } from "./bench.ts";

const BEGIN = "<!-- bench -->";
const END = "<!-- /bench -->";
const TITLES: Readonly<Record<string, string>> = {
  server: "2,500 paths",
  million: "1,050,000 paths",
  delta: "1,000 changes on 1,050,000",
};

export function renderTable(results: readonly Result[], emptyMs: number): string {
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
  const memory = find("million", "fs-diff")!.peakKiB / 1024;
  return [
    `| | ${sets.map((set) => `${TITLES[set]}, warm | cold`).join(" | ")} |`,
    `| --- |${" ---: | ---: |".repeat(sets.length)}`,
    ...rows,
    "",
    `Medians, with the ratio to fs-diff. An executable that does nothing takes ${emptyMs.toFixed(0)} ms here; fs-diff needs ${memory.toFixed(0)} MiB for the million.`,
  ].join("\n");
}

export function withTable(readme: string, table: string): string {
  const begin = readme.indexOf(BEGIN);
  const end = readme.indexOf(END);
  if (begin === -1 || end === -1) throw new Error(`README.md has no ${BEGIN} … ${END}`);
  return `${readme.slice(0, begin + BEGIN.length)}\n\n${table}\n\n${readme.slice(end)}`;
}

function time(ms: number | undefined, oursMs: number | undefined): string {
  if (ms === undefined) return "–";
  const text = ms >= 1000 ? `${(ms / 1000).toFixed(2)} s` : `${ms.toFixed(ms < 100 ? 1 : 0)} ms`;
  if (oursMs === undefined || ms === oursMs) return text;
  return `${text} (${(ms / oursMs).toFixed(ms / oursMs < 10 ? 1 : 0)} ×)`;
}
