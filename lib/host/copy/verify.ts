/**
 * Copies read back once they are on the disk, and held against their originals.
 *
 * What the kernel still keeps of a copy in memory is dropped first, so that it is the
 * disk that is read; what the disk itself keeps can't be.
 */
import { isSameInode, isUnchanged } from "../../inode-status.ts";
import type { CopyAction, Skipped } from "../../plans/copy.ts";
import { visible } from "../../text.ts";
import { type Handle, lookAt, READ, READ_DIRECTORY, reopen } from "../at.ts";
import { compareHandles } from "../compare.ts";
import { statusOf } from "../inode-status.ts";
import { libc } from "../libc.ts";
import type { CopySides } from "./copier.ts";
import { sameFlags } from "./flags.ts";
import { LeftOut, orLeaveOut } from "./left-out.ts";
import { openOriginal } from "./original.ts";
import { Pauses } from "./pauses.ts";
import { SourceDirectories } from "./source-directories.ts";

const POSIX_FADV_DONTNEED = 4;

/**
 * @param onVerified is told each copy that is right
 * @returns those that aren't, and why
 * @throws Failure, Interruption
 */
export async function verifyCopies(
  actions: readonly CopyAction[],
  sides: CopySides,
  onVerified: (action: CopyAction) => void,
): Promise<Skipped[]> {
  using sources = new SourceDirectories(sides.trees);
  const pauses = new Pauses();
  const wrong: Skipped[] = [];
  for (const action of actions) {
    if (pauses.isDue()) await pauses.pause();
    if (action.kind === "remove-leftover") continue;
    const reason = faultOf(action, sources, sides.persist);
    if (reason === undefined) onVerified(action);
    else wrong.push({ path: action.path, reason });
  }
  return wrong;
}

function faultOf(
  action: CopyAction,
  sources: SourceDirectories,
  persist: number,
): string | undefined {
  try {
    return orLeaveOut(
      () => differenceAt(action, sources, persist),
      "it can't be compared with its copy",
    );
  } catch (error) {
    if (error instanceof LeftOut) return error.reason;
    throw error;
  }
}

/** @throws LeftOut, CallFailure */
function differenceAt(
  { path, status: seen, linkTo }: CopyAction,
  sources: SourceDirectories,
  persist: number,
): string | undefined {
  using copy = lookAt(persist, path);
  if (copy === undefined) return "its copy is gone";
  if (linkTo !== undefined && !isLinked(copy, persist, linkTo)) {
    return `its copy is no hard link to that of ${visible(linkTo)}`;
  }
  const spot = sources.spotOf(path);
  using original = openOriginal(spot, seen);
  const { handle, status } = original;
  if (!spot.isFrozen && !isUnchanged(seen, status)) return "the original changed meanwhile";
  return differenceOf(handle, copy, path);
}

function differenceOf(original: Handle, copy: Handle, path: Uint8Array): string | undefined {
  const { type } = statusOf(copy.fd);
  if (type === "file") forget(copy, path);
  const differences: string[] = compareHandles(original, copy, path, "all bytes");
  const flags = type === "directory" ? READ_DIRECTORY : READ;
  const hasFlags = type === "file" || type === "directory";
  if (hasFlags && !differences.includes("type") && !differences.includes("flags")) {
    using ours = reopen(original, flags, path);
    using theirs = reopen(copy, flags, path);
    if (!sameFlags(ours.fd, theirs.fd)) differences.push("flags");
  }
  return differences.length === 0 ? undefined : `its copy differs in ${differences.join(", ")}`;
}

function isLinked(copy: Handle, persist: number, linkTo: Uint8Array): boolean {
  using other = lookAt(persist, linkTo);
  return other !== undefined && isSameInode(statusOf(other.fd), statusOf(copy.fd));
}

/** Lets the kernel drop what it keeps of a file in memory. */
function forget(copy: Handle, path: Uint8Array): void {
  using file = reopen(copy, READ, path);
  libc().posix_fadvise(file.fd, 0, 0, POSIX_FADV_DONTNEED);
}
