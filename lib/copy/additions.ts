/**
 * What of the copied paths the profile's lists should name, and how.
 *
 * A directory is listed whole, all else that can be mounted over as a file. What no
 * list can name is refused before anything is copied: whoever asks for it to be kept
 * would find it gone at the second boot.
 */
import { dirname } from "node:path/posix";
import { Refusal } from "../fault.ts";
import type { InodeStatus } from "../inode-status.ts";
import { latin1, latin1OfText } from "../latin1.ts";
import type { Additions } from "../profile/append.ts";
import { ownedPlaceFault, pathBelowRootFault } from "../profile/paths.ts";
import type { PersistEntry, Profile } from "../profile.ts";
import { asUtf8, visible } from "../text.ts";

/** A path that was named to be copied. */
export interface Candidate {
  readonly path: Uint8Array;
  /** Of the copy as it is or will be; undefined where there is none, such as of a socket. */
  readonly status: Pick<InodeStatus, "type" | "mode" | "uid" | "gid"> | undefined;
}

/** Names by id, of users or of groups. */
export type NamesById = ReadonlyMap<number, string>;

export interface OwnerNames {
  readonly users: NamesById;
  readonly groups: NamesById;
}

const PATHS_SHOWN = 20;
/** What preservation gives to what it makes or finds, where its entry says nothing else. */
const DEFAULT_MODES = { directory: 0o755, file: 0o644 } as const;

/** @throws Refusal naming what can't be listed, and why */
export function additionsFor(
  { persist }: Pick<Profile, "persist">,
  candidates: readonly Candidate[],
  names: OwnerNames,
): Additions {
  const directories: PersistEntry[] = [];
  const files: PersistEntry[] = [];
  const faults: string[] = [];
  const listed = {
    directories: new Set(persist.directories.map(({ path }) => latin1OfText(path))),
    files: new Set(persist.files.map(({ path }) => latin1OfText(path))),
  };
  for (const { path, status } of inOrder(candidates)) {
    const name = latin1(path);
    if (status === undefined || isCovered(name, listed.directories)) continue;
    if (listed.files.has(name) && status.type !== "directory") continue;
    const isDirectory = status.type === "directory";
    const result = listed.files.has(name)
      ? { fault: "it is a directory, but is listed among the files" }
      : entryFor(path, status, persist, names);
    if ("fault" in result) faults.push(`${visible(path)}: ${result.fault}`);
    else (isDirectory ? directories : files).push(result);
    if (isDirectory) listed.directories.add(name);
  }
  if (faults.length > 0) throw unlistable(faults);
  return { directories, files };
}

/** Directories before what lies in them, no path twice. */
function inOrder(candidates: readonly Candidate[]): Candidate[] {
  const byPath = new Map(candidates.map((each) => [latin1(each.path), each]));
  return [...byPath].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, each]) => each);
}

function isCovered(path: string, directories: ReadonlySet<string>): boolean {
  for (let at = path; at !== "/"; at = dirname(at)) if (directories.has(at)) return true;
  return false;
}

function entryFor(
  path: Uint8Array,
  status: NonNullable<Candidate["status"]>,
  persist: Profile["persist"],
  names: OwnerNames,
): PersistEntry | { readonly fault: string } {
  const text = asUtf8(path);
  if (text === undefined) return { fault: "its name is not UTF-8" };
  const fault = pathBelowRootFault(text) ?? ownedPlaceFault(text);
  if (fault !== undefined) return { fault };
  const { type } = status;
  if (type !== "directory" && type !== "file") {
    return { fault: `it is a ${type}, expected a file or a directory` };
  }
  // impermanence binds what is there, and says what it takes of a directory at its making alone.
  if (persist.module === "impermanence") return { path: text };
  return withOwner(text, type, status, names);
}

/** preservation sets owner and mode at every boot, to its own defaults where none are said. */
function withOwner(
  path: string,
  type: "directory" | "file",
  { uid, gid, mode }: NonNullable<Candidate["status"]>,
  { users, groups }: OwnerNames,
): PersistEntry | { readonly fault: string } {
  const user = users.get(uid);
  const group = groups.get(gid);
  if (user === undefined) return { fault: `it belongs to user ${uid}, who has no name` };
  if (group === undefined) return { fault: `it belongs to group ${gid}, which has no name` };
  return {
    path,
    ...(uid === 0 ? {} : { user }),
    ...(gid === 0 ? {} : { group }),
    ...(mode === DEFAULT_MODES[type] ? {} : { mode: mode.toString(8).padStart(4, "0") }),
  };
}

function unlistable(faults: readonly string[]): Refusal {
  const shown = faults.slice(0, PATHS_SHOWN).map((fault) => `\n    ${fault}`);
  const more = faults.length - shown.length;
  const rest = more > 0 ? `\n    and ${more} more` : "";
  return new Refusal(`Cannot list everything in the profile:${shown.join("")}${rest}`, {
    hint: "Nothing was copied. Name the directories that hold these, or leave out --add and --nix",
  });
}
