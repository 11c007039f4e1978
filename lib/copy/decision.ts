/**
 * What becomes of one path that is to be copied, by what the persist root has in
 * its place.
 *
 * The persist root may hold the only copy there is, the root a mere pointer to it:
 * an empty mount point, or a link. Such a pointer never takes the copy's place.
 */
import { basename, dirname } from "node:path/posix";
import { leadsTo } from "../fate/links.ts";
import type { InodeStatus } from "../inode-status.ts";
import { latin1, latin1OfText } from "../latin1.ts";
import type { CopyAction, CopyFacts, CopyState, SourceEntry } from "../plans/copy.ts";
import { isEqualCopy } from "./difference.ts";
import { STAGE_NAME } from "./leftover.ts";

export type Decision =
  | { readonly kind: "act"; readonly action: CopyAction["kind"] }
  | { readonly kind: "equal" }
  | { readonly kind: "pass" }
  | { readonly kind: "skip"; readonly reason: string }
  | { readonly kind: "conflict"; readonly copy: CopyState; readonly reason: string | undefined };

export function decide(entry: SourceEntry, facts: CopyFacts, update: boolean): Decision {
  const { status, copy } = entry;
  const idle = reasonToSkip(entry, facts);
  if (idle !== undefined) return { kind: "skip", reason: idle };
  if (copy === undefined) return { kind: "act", action: creation(status) };
  if (entry.role === "parent" && copy.status.type === "directory") return { kind: "pass" };
  if (entry.role === "named" && isEqualCopy(copy.differences)) return decideEqual(status, copy);
  const obstacle = obstacleTo(entry, copy, facts, update);
  if (obstacle !== undefined) return { kind: "conflict", copy, reason: obstacle.reason };
  const action = status.type === "directory" ? "set-metadata" : creation(status);
  return { kind: "act", action };
}

function reasonToSkip(entry: SourceEntry, facts: CopyFacts): string | undefined {
  if (entry.status.type === "socket") return "a socket lives with its process";
  if (basename(latin1(entry.path)) === STAGE_NAME) return "left by a run that was cut short";
  if (isOnlyMountPoint(entry, facts)) {
    return "only a mount point, its content is in the persist root";
  }
  return targetOf(entry) === latin1OfText(facts.persistPath) + latin1(entry.path)
    ? "a link to its own place in the persist root"
    : undefined;
}

/** In the root there is only the place where a boot mounts the copy. */
function isOnlyMountPoint({ path, status, copy }: SourceEntry, { live, mountPoints }: CopyFacts) {
  if (copy === undefined) return false;
  const isDirectory = status.type === "directory";
  if (isDirectory && live.has(latin1(path))) return true;
  // btrfs gives a directory the size of its names: an empty one has none.
  const isEmpty = (isDirectory || status.type === "file") && status.sizeBytes === 0;
  return isEmpty && mountPoints.has(latin1(path));
}

/** Directories get their times last, so those of an interrupted run are what is left to do. */
function decideEqual(status: InodeStatus, { differences }: CopyState): Decision {
  const isLate = status.type === "directory" && differences.length > 0;
  return isLate ? { kind: "act", action: "set-times" } : { kind: "equal" };
}

/** Why a differing copy may not be replaced; no reason of its own where --update would do. */
function obstacleTo(
  entry: SourceEntry,
  copy: CopyState,
  { live }: CopyFacts,
  update: boolean,
): { reason: string | undefined } | undefined {
  if (entry.role === "parent") return { reason: "expected a directory on the way" };
  const isDirectory = entry.status.type === "directory";
  if (isDirectory !== (copy.status.type === "directory")) {
    return { reason: "a directory is never replaced, nor put in place of something else" };
  }
  if (copy.status.type === "file" && mayLeadToCopy(entry)) {
    return { reason: "the link may lead to that very file" };
  }
  if (!update) return { reason: undefined };
  const reason = reasonOfMount(latin1(entry.path), live);
  return reason === undefined ? undefined : { reason };
}

/** What is seen at a path under a live mount is newer than what lies beneath, and often the copy. */
function reasonOfMount(path: string, live: ReadonlySet<string>): string | undefined {
  if (live.has(path)) {
    return "the copy is mounted over the path now, and replacing it would cut that off";
  }
  return mountAbove(path, live) === undefined
    ? undefined
    : "a mount is above the path now, and what would be copied lies beneath that";
}

/** The live mount point at or above a path; all as latin1. */
export function mountAbove(path: string, live: ReadonlySet<string>): string | undefined {
  for (let at = path; at !== "/"; at = dirname(at)) if (live.has(at)) return at;
  return undefined;
}

/** By hand (--persist) the persist root is named otherwise than links in the root name it. */
function mayLeadToCopy(entry: SourceEntry): boolean {
  const path = latin1(entry.path);
  const target = targetOf(entry);
  return target !== undefined && target !== path && target.endsWith(path);
}

/** Where a symbolic link leads, as latin1. */
function targetOf({ path, linkText }: SourceEntry): string | undefined {
  return linkText === undefined ? undefined : leadsTo(latin1(path), latin1(linkText));
}

function creation({ type }: InodeStatus): CopyAction["kind"] {
  switch (type) {
    case "directory":
      return "make-directory";
    case "file":
      return "copy-file";
    case "symlink":
      return "make-symlink";
    default:
      return "make-node";
  }
}
