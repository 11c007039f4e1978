/** A path that was found in an old root, as one record of output. */
import type { Change } from "../btrfs/change.ts";
import { visible } from "../text.ts";
import { pathFields, toJson } from "./json.ts";
import { inodeFields, type ListingFormat } from "./listing.ts";

/** Of what a root has at a path now: as the old one has it, by type, size and time. */
export const PRESENCES = ["same", "differs", "gone"] as const;
export type Presence = (typeof PRESENCES)[number];

export interface Found {
  /** The name of the old root. */
  readonly root: string;
  readonly change: Change;
  readonly live: Presence;
  /** Undefined where there is no persist root. */
  readonly persist: Presence | undefined;
}

const NEWLINE = 10;

/** The record with its end, or undefined where the name can't be a line. */
export function foundRecord(found: Found, format: ListingFormat): Uint8Array | undefined {
  const { root, change, live, persist } = found;
  const { path, type } = change;
  if (format.kind === "json") {
    const places = { live, persist: persist ?? null };
    const fields = { root, ...pathFields(path), type, ...inodeFields(change.inode()), ...places };
    return new TextEncoder().encode(`${toJson(fields)}\n`);
  }
  const isLine = format.kind === "lines" && !format.terminal;
  if (isLine && path.includes(NEWLINE)) return undefined;
  const head = Buffer.from(`${root}\t${whereabouts(live, persist)}\t`);
  const shown = format.terminal ? Buffer.from(visible(path)) : path;
  return Buffer.concat([head, shown, Buffer.from(format.kind === "null" ? "\0" : "\n")]);
}

function whereabouts(live: Presence, persist: Presence | undefined): string {
  const places = [...placeText(live, "root"), ...placeText(persist ?? "gone", "persist")];
  return places.length === 0 ? "gone" : places.join(", ");
}

function placeText(presence: Presence, place: string): string[] {
  if (presence === "gone") return [];
  return [presence === "same" ? `in ${place}` : `another in ${place}`];
}
