/** Losses by whom they belong to, in words: whose, how old, and what may be work in progress. */
import type { LossGroup } from "../losses/losses.ts";
import type { Owner } from "../losses/owner.ts";
import type { Count } from "../tally.ts";
import { formatBytes, plural, visible } from "../text.ts";

/** So many groups are lines of their own. */
const GROUPS_SHOWN = 12;
const PLACES_SHOWN = 3;
const UNITS = [
  { noun: "year", ms: 365 * 86_400_000 },
  { noun: "day", ms: 86_400_000 },
  { noun: "hour", ms: 3_600_000 },
  { noun: "minute", ms: 60_000 },
] as const;

/** A table for people, in which no name can drive a terminal. */
export function groupLines(groups: readonly LossGroup[], now: Date): string[] {
  if (groups.length === 0) return [];
  const listed = groups.slice(0, GROUPS_SHOWN);
  const rest = groups.slice(GROUPS_SHOWN);
  const isRecent = listed.some(({ recent }) => recent.files > 0);
  return [
    "Whose it is, and when it was changed last:",
    ...listed.map((group) => groupLine(group, now)),
    ...(rest.length === 0 ? [] : [restLine(rest)]),
    ...(isRecent ? ["* changed within the hour: probably what somebody is working on"] : []),
  ];
}

/** Of a group by its kind: "docker", "files of jo", "/srv". */
export function ownerName({ kind, name }: Pick<Owner, "kind" | "name">): string {
  const text = shown(name);
  if (kind === "home") return `files of ${text}`;
  if (kind === "cache") return `cache of ${text}`;
  return kind === "project" ? `project ${text}` : text;
}

/** Rounded down: "3 hours ago". */
export function ageText(ageMs: number): string {
  for (const { noun, ms } of UNITS) {
    if (ageMs >= ms) return `${plural(Math.floor(ageMs / ms), noun)} ago`;
  }
  return "just now";
}

function groupLine(group: LossGroup, now: Date): string {
  const { newest, recent } = group;
  const age =
    newest === undefined ? "time to come" : ageText(Math.max(0, now.getTime() - newest.timeMs));
  const mark = recent.files > 0 ? "*" : " ";
  return `${amountColumns(group)}${age.padStart(16)} ${mark} ${ownerName(group)}${detail(group)}`;
}

function amountColumns({ files, bytes }: Count): string {
  return `${formatBytes(bytes).padStart(14)}${plural(files, "file").padStart(15)}`;
}

/** What was changed last where that is news, else where it lies. */
function detail(group: LossGroup): string {
  if (group.recent.files > 0) return `, last ${visible(group.newest!.path)}`;
  if (group.places.includes(group.name) || group.places.length === 0) return "";
  const places = group.places.slice(0, PLACES_SHOWN).map(shown);
  const more = group.places.length - places.length;
  return `, in ${places.join(", ")}${more > 0 ? ` and ${more} more` : ""}`;
}

function shown(latin1: string): string {
  return visible(Buffer.from(latin1, "latin1"));
}

function restLine(groups: readonly LossGroup[]): string {
  const files = groups.reduce((total, group) => total + group.files, 0);
  const bytes = groups.reduce((total, group) => total + BigInt(group.bytes), 0n);
  return `${amountColumns({ files, bytes })}${" ".repeat(19)}${groups.length} more: --json has them all`;
}
