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

function renderTable(scripts: readonly Script[]): string {
  const rows = scripts.map(({ name, summary }) => `| \`${name}\` | ${cell(summary)} |`);
  return ["| script | does |", "|---|---|", ...rows, ""].join("\n");
}

function cell(text: string): string {
  return text.replaceAll("|", "\\|");
}

function onlyIndex(text: string, marker: string): number {
  const parts = text.split(marker);
  if (parts.length === 2) return parts[0]!.length;
  throw new Error(`README.md: ${marker} stands there ${parts.length - 1} times, expected once`);
}
