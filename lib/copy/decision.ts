/**
 * What becomes of one path that is to be copied, by what the persist root has in
 * its place.
 *
 * The persist root may hold the only copy there is, the root a mere pointer to it:
 * an empty mount point, or a link. Such a pointer never takes the copy's place.
 */
import { dirname } from "node:path/posix";
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
  | { readonly kind: "skip" | "leave-out"; readonly reason: string }
  | { readonly kind: "conflict"; readonly copy: CopyState; readonly reason: string | undefined };

export function decide(entry: SourceEntry, facts: CopyFacts, update: boolean): Decision {
  const { status, copy } = entry;
  const idle = reasonToSkip(entry, facts);
  if (idle !== undefined) return { kind: "skip", reason: idle };
  if (copy === undefined) return { kind: "act", action: creation(status) };
  if (entry.role === "parent" && copy.status.type === "directory") return { kind: "pass" };
  if (copy.unreadable !== undefined && !update) {
    return { kind: "leave-out", reason: copy.unreadable };
  }
  if (entry.role === "named" && isEqualCopy(copy.differences)) return decideEqual(status, copy);
  const obstacle = obstacleTo(entry, copy, facts, update);
  if (obstacle !== undefined) return { kind: "conflict", copy, reason: obstacle.reason };
  const action = status.type === "directory" ? "set-metadata" : creation(status);
  return { kind: "act", action };
}

function reasonToSkip(entry: SourceEntry, facts: CopyFacts): string | undefined {
  if (entry.status.type === "socket") return "a socket lives with its process";
  if (isLeftOver(latin1(entry.path))) return "left by a run that was cut short";
  return reasonOfMountPoint(entry, facts) ?? reasonOfLink(entry, facts);
}

function reasonOfLink(entry: SourceEntry, facts: CopyFacts): string | undefined {
  const target = targetOf(entry);
  if (target === undefined) return undefined;
  return target === latin1OfText(facts.persistPath) + latin1(entry.path)
    ? "a link to its own place in the persist root"
    : undefined;
}

/** A stage in the root, or what is on it. */
function isLeftOver(path: string): boolean {
  return path.includes(STAGE_NAME) && path.split("/").includes(STAGE_NAME);
}

/** In the root there is only the place where the copy is mounted, now or by a boot. */
function reasonOfMountPoint(
  { path, status, copy }: SourceEntry,
  { live, mountedCopies, mountPoints }: CopyFacts,
): string | undefined {
  if (copy === undefined) return undefined;
  const place = latin1(path);
  const isDirectory = status.type === "directory";
  // btrfs gives a directory the size of its names: an empty one has none.
  const isEmpty = (isDirectory || status.type === "file") && status.sizeBytes === 0;
  if (!mountPoints.has(place) || !(isEmpty || isDirectory)) return undefined;
  const isElsewhere = live.has(place) && !mountedCopies.has(place);
  if (isElsewhere) return isEmpty ? "only a mount point, for something else" : undefined;
  return isEmpty || live.has(place)
    ? "only a mount point, its content is in the persist root"
    : undefined;
}

/** Directories get their times last, and all is protected last: what an interrupted run left to do. */
function decideEqual(status: InodeStatus, copy: CopyState): Decision {
  if (isProtected(copy.status)) return { kind: "equal" };
  const isLate = status.type === "directory" && copy.differences.length > 0;
  if (isLate) return { kind: "act", action: "set-times" };
  return copy.differences.includes("flags")
    ? { kind: "act", action: "set-flags" }
    : { kind: "equal" };
}

/** Whether chattr forbids that anything of it is changed, or replaced. */
export function isProtected({ isImmutable, isAppendOnly }: InodeStatus): boolean {
  return isImmutable || isAppendOnly;
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
  if (isProtected(copy.status)) return { reason: protection(copy.status, "the copy") };
  if (copy.status.type === "file" && mayLeadToCopy(entry)) {
    return { reason: "the link may lead to that very file" };
  }
  if (!update) return { reason: undefined };
  const reason = reasonOfMount(latin1(entry.path), live);
  return reason === undefined ? undefined : { reason };
}

/** Why nothing changes there. @param what it is */
export function protection({ isImmutable }: InodeStatus, what: string): string {
  const [state, flag] = isImmutable ? ["immutable", "-i"] : ["append-only", "-a"];
  return `${what} is ${state}, which chattr ${flag} ends`;
}

/** Whether an equal copy may be replaced by a hard link to another of its names. */
export function mayReplaceEqual(path: Uint8Array, copy: InodeStatus, { live }: CopyFacts): boolean {
  return !isProtected(copy) && reasonOfMount(latin1(path), live) === undefined;
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
