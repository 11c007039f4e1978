/**
 * The lines of a tree, laid out for a terminal of any width.
 *
 * Names get at least half a line: where that is short the bar goes first, then the
 * room that columns have to spare, then the count. Names come last, so that what
 * can't be measured for sure moves nothing.
 */
import { cutToCells } from "../cells.ts";
import type { Exact } from "../exact.ts";
import { formatBytes } from "../text.ts";

export interface Row {
  readonly count: number;
  readonly bytes: Exact;
  readonly level: number;
  /** In which nothing can drive a terminal. */
  readonly name: string;
}

/** Widths in cells; what is left out has none. */
interface Columns {
  readonly bytes: number;
  readonly count: number;
  readonly bar: number;
  readonly name: number;
}

const BAR_WIDTH_MAX = 20;
const COUNT_WIDTH = 11;
const BYTES_WIDTH = 12;
const NAME_WIDTH = 20;
/** In the narrowest terminal that is reckoned with, of 20 cells. */
const LEAST_NAME_WIDTH = 8;
const INDENT = 2;

/** @param rows the first one's bytes are those of all */
export function renderRows(rows: readonly Row[], width: number): string[] {
  const lines = rows.map((row) => ({
    ...row,
    sum: formatBytes(row.bytes),
    paths: row.count.toLocaleString("en"),
  }));
  const longest = (texts: string[]) => texts.reduce((most, text) => Math.max(most, text.length), 0);
  const columns = columnsFor(
    width,
    longest(lines.map(({ sum }) => sum)),
    longest(lines.map(({ paths }) => paths)),
  );
  const all = Math.max(1, Number(rows[0]?.bytes ?? 0));
  return lines.map(({ sum, paths, bytes, level, name }) => {
    const bar = "█".repeat(Math.round((Number(bytes) / all) * columns.bar));
    const indent = " ".repeat(Math.min(INDENT * level, Math.floor(columns.name / 2)));
    return [
      sum.padStart(columns.bytes),
      ...(columns.count === 0 ? [] : [paths.padStart(columns.count)]),
      ...(columns.bar === 0 ? [] : [bar.padEnd(columns.bar)]),
      cutToCells(`${indent}${name}`, columns.name),
    ].join(" ");
  });
}

/** The last cell stays free: some terminals begin a new line behind it. */
function columnsFor(width: number, longestBytes: number, longestCount: number): Columns {
  const roomy = {
    bytes: Math.max(BYTES_WIDTH, longestBytes),
    count: Math.max(COUNT_WIDTH, longestCount),
  };
  const room = width - 1 - roomy.bytes - roomy.count - 3;
  if (room >= NAME_WIDTH) {
    const bar = Math.min(BAR_WIDTH_MAX, room - NAME_WIDTH);
    return { ...roomy, bar, name: room - bar + (bar === 0 ? 1 : 0) };
  }
  const withCount = width - 1 - longestBytes - longestCount - 2;
  if (withCount >= NAME_WIDTH / 2) {
    return { bytes: longestBytes, count: longestCount, bar: 0, name: withCount };
  }
  const name = Math.max(LEAST_NAME_WIDTH, width - 1 - longestBytes - 1);
  return { bytes: longestBytes, count: 0, bar: 0, name };
}
