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
  readonly type: InodeStatus["type"] | undefined;
}

const PATHS_SHOWN = 20;

/** @throws Refusal naming what can't be listed, and why */
export function additionsFor(
  { persist }: Pick<Profile, "persist">,
  candidates: readonly Candidate[],
): Additions {
  const directories: PersistEntry[] = [];
  const files: PersistEntry[] = [];
  const faults: string[] = [];
  const listed = {
    directories: new Set(persist.directories.map(({ path }) => latin1OfText(path))),
    files: new Set(persist.files.map(({ path }) => latin1OfText(path))),
  };
  for (const { path, type } of inOrder(candidates)) {
    const name = latin1(path);
    if (type === undefined || isCovered(name, listed.directories)) continue;
    const isDirectory = type === "directory";
    if (listed.files.has(name) && !isDirectory) continue;
    const result = listed.files.has(name)
      ? { fault: "it is a directory, but is listed among the files" }
      : entryFor(path, type);
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
  type: InodeStatus["type"],
): PersistEntry | { readonly fault: string } {
  const text = asUtf8(path);
  if (text === undefined) return { fault: "its name is not UTF-8" };
  const fault = pathBelowRootFault(text) ?? ownedPlaceFault(text);
  if (fault !== undefined) return { fault };
  if (type === "directory" || type === "file") return { path: text };
  return { fault: `it is a ${type}, expected a file or a directory` };
}

function unlistable(faults: readonly string[]): Refusal {
  const shown = faults.slice(0, PATHS_SHOWN).map((fault) => `\n    ${fault}`);
  const more = faults.length - shown.length;
  const rest = more > 0 ? `\n    and ${more} more` : "";
  return new Refusal(`Cannot list everything in the profile:${shown.join("")}${rest}`, {
    hint: "Nothing was copied. Name the directories that hold these, or leave out --add and --nix",
  });
}
