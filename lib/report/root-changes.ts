/**
 * What differs between two roots, a record for each path: what NixOS links anew at
 * every boot and what the profile ignores is left out, as in fs-diff, or it would
 * bury the rest.
 */
import { type Change, isDirectory } from "../btrfs/change.ts";
import { leadsTo, managedPlace } from "../fate/links.ts";
import { latin1 } from "../latin1.ts";
import { compileIgnore } from "../profile/ignore.ts";
import type { Profile } from "../profile.ts";
import { pathFields, toJson } from "./json.ts";
import { inodeFields, type ListingFormat, pathRecord } from "./listing.ts";
import { readLetters, STATUS_LETTERS, TYPE_LETTERS } from "./selection.ts";

export interface ChangeFlags {
  readonly all?: boolean | undefined;
  readonly dirs?: boolean | undefined;
  readonly type?: string | undefined;
  readonly only?: string | undefined;
}

export type Select = (change: Change) => boolean;

/** @throws UsageFault for a letter that is none */
export function selectChanges(flags: ChangeFlags, { persist }: Pick<Profile, "persist">): Select {
  const statuses =
    flags.only === undefined ? undefined : readLetters("--only", flags.only, STATUS_LETTERS);
  const types =
    flags.type === undefined ? undefined : readLetters("--type", flags.type, TYPE_LETTERS);
  const ignores = compileIgnore(persist.ignore);
  return (change) => {
    if (statuses?.has(change.status) === false) return false;
    if (types !== undefined && !types.has(change.type)) return false;
    if (flags.all === true) return true;
    if (types === undefined && !isUsualType(change, flags.dirs === true)) return false;
    return !isManaged(change) && !ignores(change.path);
  };
}

/** The record with its end, or undefined where the name can't be a line. */
export function changeRecord(change: Change, format: ListingFormat): Uint8Array | undefined {
  const { status, type, path } = change;
  if (format.kind !== "json") return pathRecord(status, path, format);
  const fields = { ...pathFields(path), status, type, ...inodeFields(change.inode()) };
  return new TextEncoder().encode(`${toJson(fields)}\n`);
}

/** A directory comes with its files, a socket with its program. */
function isUsualType({ type }: Change, directories: boolean): boolean {
  return type !== "socket" && (directories || !isDirectory(type));
}

function isManaged(change: Change): boolean {
  const text = change.linkText();
  if (text === undefined) return false;
  return managedPlace(leadsTo(latin1(change.path), latin1(text))) !== undefined;
}
