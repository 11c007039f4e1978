/**
 * Former roots: how they are named, and which of them are kept.
 *
 * A name begins with the time it was set aside, so neither a clock that was wrong
 * later nor a touched directory changes how old it is. What isn't named so was
 * not put there by a rollback, and is nobody's to prune.
 */

import { plural } from "./text.ts";

export interface KeepRule {
  readonly days: number;
  readonly at_least: number;
}

const DAY_MS = 24 * 60 * 60 * 1000;
/** As lib/boot/rollback.sh names them and lib/boot/prune.sh reads them: UTC, then the boot's id, then a count where both were taken. */
const NAME = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z-[0-9A-Za-z+-]*$/;

/**
 * When a former root was set aside; undefined for a name that is no former root's, a
 * 30th of February included: no clock shows it, and names would not sort as times do.
 */
export function timeOfOldRoot(name: string): Date | undefined {
  const found = NAME.exec(name);
  if (found === null) return undefined;
  const [, year, month, day, hour, minute, second] = found;
  const text = `${year}-${month}-${day}T${hour}:${minute}:${second}`;
  const time = new Date(`${text}Z`);
  if (Number.isNaN(time.getTime())) return undefined;
  return time.toISOString().startsWith(text) ? time : undefined;
}

/** The id of the boot that set it aside, and what tells it from another of that boot. */
export function bootOfOldRoot(name: string): string {
  return name.slice(name.indexOf("Z-") + 2);
}

/** Whether none are kept: the old root itself goes at once. */
export function keepsNone({ days, at_least }: KeepRule): boolean {
  return days === 0 && at_least === 0;
}

/** Which of them are kept, in words: "for 30 days, and the newest 3 however old". */
export function keepText({ days, at_least }: KeepRule): string {
  const age = `for ${plural(days, "day")}`;
  const newest = `the newest${at_least === 1 ? "" : ` ${at_least}`} however old`;
  if (days === 0) return newest;
  return at_least === 0 ? age : `${age}, and ${newest}`;
}

/**
 * The former roots that are too old and too many, oldest first.
 *
 * @param newer how many newer ones there are that are not among the names
 */
export function rootsToPrune(
  names: readonly string[],
  keep: KeepRule,
  now: Date,
  newer: number,
): string[] {
  const dated = names
    .map((name) => ({ name, time: timeOfOldRoot(name)?.getTime() }))
    .filter((root): root is { name: string; time: number } => root.time !== undefined)
    .sort((a, b) => b.time - a.time || (a.name < b.name ? 1 : -1));
  return dated
    .slice(Math.max(0, keep.at_least - newer))
    .filter(({ time }) => keepsNone(keep) || now.getTime() - time > keep.days * DAY_MS)
    .map(({ name }) => name)
    .reverse();
}
