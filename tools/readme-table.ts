/** The README's table of scripts, put between its markers. */
import type { Script } from "../lib/cli.ts";

const BEGIN = "<!-- scripts -->";
const END = "<!-- /scripts -->";

/** The README with its table made anew; throws where a marker is missing or doubled. */
export function withScriptTable(readme: string, scripts: readonly Script[]): string {
  const begin = onlyIndex(readme, BEGIN);
  const end = onlyIndex(readme, END);
  if (end < begin) throw new Error(`README.md: ${END} stands before ${BEGIN}`);
  const head = readme.slice(0, begin + BEGIN.length);
  return `${head}\n${renderTable(scripts)}${readme.slice(end)}`;
}

/** Columns are padded, as the formatter of this repository would have them. */
function renderTable(scripts: readonly Script[]): string {
  const rows = [
    ["script", "does"] as const,
    ...scripts.map(({ name, summary }) => [`\`${name}\``, cell(summary)] as const),
  ];
  const [first, second] = [0, 1].map((column) =>
    Math.max(...rows.map((row) => row[column]!.length)),
  ) as [number, number];
  const lines = rows.map(([a, b]) => `| ${a.padEnd(first)} | ${b.padEnd(second)} |`);
  lines.splice(1, 0, `| ${"-".repeat(first)} | ${"-".repeat(second)} |`);
  return `\n${lines.join("\n")}\n\n`;
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function onlyIndex(text: string, marker: string): number {
  const parts = text.split(marker);
  if (parts.length === 2) return parts[0]!.length;
  throw new Error(`README.md: ${marker} stands there ${parts.length - 1} times, expected once`);
}
