/**
 * Adding to what stands between two brackets with commas between: a list, or an inline
 * table. The new items look like the last one: on lines of their own where that has one,
 * with a comma at the end where there is one.
 */
import type { Insertion, Range, Source } from "./source.ts";

export interface Sequence {
  /** With both brackets. */
  readonly range: Range;
  readonly items: readonly Range[];
}

const COLUMNS = 80;

/** @param values each on one line */
export function addToSequence(
  source: Source,
  sequence: Sequence,
  values: readonly string[],
): Insertion[] {
  const last = sequence.items.at(-1);
  if (last === undefined) return [fillEmpty(source, sequence.range, values)];
  const isOnOwnLine =
    source.isFirstOnLine(last[0]) && source.lineStart(last[0]) > sequence.range[0];
  return isOnOwnLine
    ? addLines(source, sequence, last, values)
    : [addInLine(source, sequence, last, values)];
}

/** A list on a line of its own where it is short, else an item a line. */
export function listText(
  before: string,
  values: readonly string[],
  { indent, deeper, newline }: { indent: string; deeper: string; newline: string },
): string {
  const short = `${before}[${values.join(", ")}]`;
  if (indent.length + short.length <= COLUMNS) return short;
  const lines = values.map((value) => `${deeper}${value},${newline}`);
  return `${before}[${newline}${lines.join("")}${indent}]`;
}

function fillEmpty(source: Source, [start, end]: Range, values: readonly string[]): Insertion {
  const open = start + 1;
  const close = end - 1;
  const inner = source.text.slice(open, close);
  const indent = source.indentOf(start);
  const newline = source.newlineAt(start);
  if (inner.includes("\n")) {
    const comment = source.lastCommentLine([open, close]);
    const deeper =
      comment === undefined ? source.deeper(source.indentOf(close)) : source.indentOf(comment);
    const lines = values.map((value) => `${deeper}${value},${newline}`);
    return { at: source.lineStart(close), text: lines.join("") };
  }
  if (inner !== "") return { at: open, text: inner + values.join(", ") };
  const before = source.text.slice(source.lineStart(start) + indent.length, start);
  const deeper = source.deeper(indent);
  const list = listText(before, values, { indent, deeper, newline });
  return { at: open, text: list.slice(before.length + 1, -1) };
}

function addLines(
  source: Source,
  { range }: Sequence,
  last: Range,
  values: readonly string[],
): Insertion[] {
  const close = range[1] - 1;
  const indent = source.indentOf(last[0]);
  const newline = source.newlineAt(last[0]);
  const comma = source.behindComma(last[1]);
  const end = comma === undefined ? "" : ",";
  if (!source.isFirstOnLine(close)) {
    const lines = values.map((value) => `${newline}${indent}${value}`).join(",");
    const text = comma === undefined ? `,${lines}` : `${lines},`;
    return [{ at: comma ?? last[1], text }];
  }
  const lines = values.map((value) => `${indent}${value}`).join(`,${newline}`);
  const added = { at: source.lineStart(close), text: `${lines}${end}${newline}` };
  return comma === undefined ? [{ at: last[1], text: "," }, added] : [added];
}

function addInLine(
  source: Source,
  { items }: Sequence,
  last: Range,
  values: readonly string[],
): Insertion {
  const before = items.at(-2);
  const between = before === undefined ? ", " : source.slice([before[1], last[0]]);
  const separator = /^[ \t]*,[ \t]*$/.test(between) ? between : ", ";
  const comma = source.behindComma(last[1]);
  if (comma === undefined) {
    return { at: last[1], text: values.map((value) => separator + value).join("") };
  }
  const blanks = separator.slice(separator.indexOf(",") + 1);
  return { at: comma, text: values.map((value) => `${blanks}${value},`).join("") };
}
