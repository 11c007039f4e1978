/**
 * One change as one record of output: a path, a path with its status, or JSON.
 *
 * To a program paths go as the bytes they are, so a name with a newline can't be
 * a line and is left out; a person sees it escaped, like everything that could
 * drive a terminal.
 */
import type { Change, Inode, Status, Time } from "../btrfs/change.ts";
import type { Verdict } from "../fate.ts";
import { visible } from "../text.ts";
import type { Whole } from "./collapse.ts";
import { jsonNumber, pathFields, toJson } from "./json.ts";

export interface ListingFormat {
  readonly kind: "lines" | "null" | "json";
  /** The letter of the status and a tab before each path. */
  readonly status: boolean;
  /** Whether a terminal reads it. */
  readonly terminal: boolean;
}

const encoder = new TextEncoder();
const NEWLINE = 10;
const PERMISSIONS = 0o7777;

/** The record with its end, or undefined where the name can't be a line. */
export function listingRecord(
  change: Change,
  verdict: Verdict,
  format: ListingFormat,
): Uint8Array | undefined {
  if (format.kind === "json") return encode(`${jsonRecord(change, verdict)}\n`);
  return pathRecord(change.status, change.path, format);
}

/** Of a path with its status; undefined as above. */
export function pathRecord(
  status: Status,
  path: Uint8Array,
  format: ListingFormat,
): Uint8Array | undefined {
  const prefix = format.status ? `${status}\t` : "";
  const end = format.kind === "null" ? "\0" : "\n";
  if (format.terminal) return encode(`${prefix}${visible(path)}${end}`);
  if (format.kind === "lines" && path.includes(NEWLINE)) return undefined;
  return plainRecord(prefix, path, end);
}

/** The record of a directory that stands for its content; undefined as above. */
export function wholeRecord(whole: Whole, format: ListingFormat): Uint8Array | undefined {
  const { path, count, bytes } = whole;
  if (format.kind === "json") {
    const fields = { ...pathFields(path), status: "A", type: "directory", fate: "lost" };
    const sums = { collapsed: true, count, bytes: jsonNumber(bytes.total) };
    return encode(`${toJson({ ...fields, ...sums })}\n`);
  }
  return pathRecord("A", path, format);
}

/** The last line where files were walked: what the walk did not see, a sentence each. */
export function walkRecord(blind: readonly string[]): string {
  return toJson({ kind: "walk", blind });
}

/** One JSON object without a line end. */
function jsonRecord(change: Change, { fate, reason }: Verdict): string {
  return toJson({
    ...pathFields(change.path),
    status: change.status,
    type: change.type,
    fate,
    reason,
    ...inodeFields(change.inode()),
  });
}

/** Sizes are bytes, mode is octal, mtime is UTC. */
export function inodeFields({ sizeBytes, mode, uid, gid, mtime }: Inode) {
  return {
    size: jsonNumber(sizeBytes),
    mode: (mode & PERMISSIONS).toString(8).padStart(4, "0"),
    uid,
    gid,
    mtime: timestamp(mtime),
  };
}

/** RFC 3339 in UTC, to the nanosecond. */
function timestamp({ seconds, nanoseconds }: Time): string {
  const whole = new Date(Number(seconds) * 1000);
  // Beyond what a Date holds (a damaged or a joking clock), the number itself is the honest answer.
  if (Number.isNaN(whole.getTime())) return `@${seconds}.${pad(nanoseconds)}`;
  return whole.toISOString().replace(/\.\d+Z$/, `.${pad(nanoseconds)}Z`);
}

function pad(nanoseconds: number): string {
  return String(nanoseconds).padStart(9, "0");
}

/** `prefix` and `end` are ASCII. */
function plainRecord(prefix: string, path: Uint8Array, end: string): Uint8Array {
  const record = new Uint8Array(prefix.length + path.length + 1);
  for (let i = 0; i < prefix.length; i++) record[i] = prefix.charCodeAt(i);
  record.set(path, prefix.length);
  record[record.length - 1] = end.charCodeAt(0);
  return record;
}

function encode(text: string): Uint8Array {
  return encoder.encode(text);
}
