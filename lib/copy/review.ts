/**
 * What the lists and the persist root say of each other, as records: what is there and in
 * no list, and what is listed and not there.
 */
import type { FileType } from "../btrfs/change.ts";
import { pathFields, toJson } from "../report/json.ts";
import { type ListingFormat, pathRecord } from "../report/listing.ts";
import { formatBytes, visible } from "../text.ts";

export interface StaleFinding {
  /** Below the persist root. */
  readonly path: Uint8Array;
  readonly type: FileType;
  /** Of a directory with all beneath it. */
  readonly count: number;
  readonly bytes: number;
  readonly newestNs: bigint;
}

export interface MissingFinding {
  /** As the profile has it. */
  readonly path: string;
  readonly list: "directories" | "files";
  /** Whether the root has it, so that a copy would save it; undefined where no root is known. */
  readonly inRoot: boolean | undefined;
}

export type ReviewFormat = Omit<ListingFormat, "status">;

const SIZE_WIDTH = 12;
const AGE_WIDTH = 11;
const DAY_SECONDS = 86_400;
const UNITS: ReadonlyArray<readonly [seconds: number, noun: string]> = [
  [365 * DAY_SECONDS, "year"],
  [30 * DAY_SECONDS, "month"],
  [DAY_SECONDS, "day"],
  [3600, "hour"],
  [60, "minute"],
];

/**
 * @param root the persist root's path, which goes before
 * @param nowNs what ages are told from
 * @returns undefined where the name can't be a line
 */
export function staleRecord(
  { path, type, count, bytes, newestNs }: StaleFinding,
  { root, nowNs }: { readonly root: string; readonly nowNs: bigint },
  format: ReviewFormat,
): Uint8Array | undefined {
  const isDirectory = type === "directory" || type === "subvolume";
  const whole = Buffer.concat([Buffer.from(root), path, Buffer.from(isDirectory ? "/" : "")]);
  if (format.kind === "json") {
    const place = pathFields(path);
    const fields = { ...pathFields(whole), type, count, bytes, mtime: timestamp(newestNs), place };
    return Buffer.from(`${toJson({ kind: "stale", ...fields })}\n`);
  }
  if (!format.terminal) return pathRecord("A", whole, { ...format, status: false });
  const size = formatBytes(bytes).padStart(SIZE_WIDTH);
  const age = ageText(nowNs - newestNs).padStart(AGE_WIDTH);
  return Buffer.from(`${size} ${age}  ${visible(whole)}${format.kind === "null" ? "\0" : "\n"}`);
}

export function missingRecord(
  { path, list, inRoot }: MissingFinding,
  format: ReviewFormat,
): Uint8Array | undefined {
  if (format.kind === "json") {
    return Buffer.from(`${toJson({ kind: "missing", path, list, in_root: inRoot ?? null })}\n`);
  }
  const bytes = Buffer.from(path);
  if (!format.terminal || inRoot === undefined) {
    return pathRecord("A", bytes, { ...format, status: false });
  }
  const state = inRoot ? "in the root, persist-copy saves it" : "nowhere";
  return Buffer.from(`${visible(path)}: ${state}${format.kind === "null" ? "\0" : "\n"}`);
}

/** "3 days", or "0 minutes" for what is of the future. */
function ageText(ns: bigint): string {
  const seconds = Number(ns / 1_000_000_000n);
  const [length, noun] = UNITS.find(([unit]) => seconds >= unit) ?? [60, "minute"];
  const count = Math.max(0, Math.floor(seconds / length));
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}

/** RFC 3339 in UTC; times that no calendar has, in seconds. */
function timestamp(ns: bigint): string {
  const date = new Date(Number(ns / 1_000_000n));
  if (Number.isNaN(date.getTime())) return `@${ns / 1_000_000_000n}`;
  return date.toISOString();
}
