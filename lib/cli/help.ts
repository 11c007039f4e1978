/** `--help`, rendered from a script's declaration, at most 80 columns wide. */
import type { ArgsDef } from "./args.ts";
import { wrap } from "./wrap.ts";

export interface Helped {
  readonly name: string;
  readonly summary: string;
  readonly description: readonly string[];
  readonly args: ArgsDef;
  readonly operands?: {
    readonly name: string;
    readonly description: string;
    readonly usage?: string;
  };
  readonly findings?: string;
}

const WIDTH_COLUMNS = 80;
const FLAG_COLUMNS = 26;

export function renderHelp(script: Helped): string {
  const operands = usageOf(script.operands);
  const sections = [
    `${script.name}: ${script.summary}`,
    ...script.description.map((text) => wrap(text, WIDTH_COLUMNS).join("\n")),
    `Usage: ${script.name} [FLAGS]${operands}`,
  ];
  if (script.operands) sections.push(entry(script.operands.name, script.operands.description));
  const flags = Object.entries(script.args).map(([name, flag]) =>
    entry(flagWord(name, flag), flag.description),
  );
  sections.push(flags.join("\n"), renderStatuses(script.findings));
  return `${sections.join("\n\n")}\n`;
}

/** The words of a usage line behind the flags, with a space before them. */
export function usageOf(operands: Helped["operands"]): string {
  return operands === undefined ? "" : ` ${operands.usage ?? `[${operands.name}…]`}`;
}

/** The exit statuses that every script shares, with what 1 means here. */
export function renderStatuses(findings: string | undefined): string {
  const statuses: Array<[string, string]> = [
    ["0", findings === undefined ? "done" : "done, nothing found"],
    ...(findings === undefined ? [] : [["1", findings] as [string, string]]),
    ["2", "the command line or the profile is wrong, nothing touched"],
    ["3", "refused, nothing touched"],
    ["4", "failed: the output is incomplete or the disk may have changed"],
  ];
  return `Exit status:\n${statuses.map(([status, text]) => `  ${status}  ${text}`).join("\n")}`;
}

/** The one-letter alias, without its dash. */
export function shortFlag(flag: ArgsDef[string]): string | undefined {
  return flag.alias;
}

export function flagWord(name: string, flag: ArgsDef[string]): string {
  const short = shortFlag(flag);
  const value = flag.type === "boolean" ? "" : `=${flag.valueHint ?? "VALUE"}`;
  return `${short === undefined ? "    " : `-${short}, `}--${name}${value}`;
}

function entry(word: string, text: string): string {
  const lines = wrap(text, WIDTH_COLUMNS - FLAG_COLUMNS);
  const indent = " ".repeat(FLAG_COLUMNS);
  const head = `  ${word}`;
  if (head.length >= FLAG_COLUMNS - 1)
    return [head, ...lines.map((line) => indent + line)].join("\n");
  return lines
    .map((line, index) => (index === 0 ? head.padEnd(FLAG_COLUMNS) : indent) + line)
    .join("\n");
}
