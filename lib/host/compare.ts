/**
 * Whether two inodes are copies of each other, and if not in what they differ.
 *
 * What a copy must have is content, owner, mode and extended attributes (ACLs and
 * capabilities are among these). The time of modification is told apart: a copy
 * that differs in it alone loses nobody's work.
 */
import { readSync } from "node:fs";
import type { Difference } from "../copy/difference.ts";
import type { InodeStatus } from "../inode-status.ts";
import { visible } from "../text.ts";
import { type Handle, linkTextOf, lookAt, READ, reopen } from "./at.ts";
import { nextData } from "./holes.ts";
import { statusOf } from "./inode-status.ts";
import { CallFailure } from "./libc.ts";
import { shareAllExtents } from "./shared-extents.ts";
import { attributesOf, sameAttributes } from "./xattr.ts";

/** A path below an open directory. */
export interface Place {
  readonly top: number;
  readonly path: Uint8Array;
}

type Reading = "what differs" | "all bytes";

const CHUNK_BYTES = 256 * 1024;
/** From here on a look at the metadata, to know a reflinked copy, is cheaper than to read both. */
const LARGE_BYTES = 1024 ** 2;
/** Made when two files are first read: most runs compare none, and start the sooner. */
let chunks: { readonly left: Buffer; readonly right: Buffer } | undefined;

/**
 * Compares one inode with another; a directory by itself, without its entries.
 * Never through a symbolic link.
 *
 * @returns undefined where one of them is not there
 * @throws CallFailure where one can't be read
 */
export function compareAt(a: Place, b: Place): Difference[] | undefined {
  using ours = lookAt(a.top, a.path);
  if (ours === undefined) return undefined;
  using theirs = lookAt(b.top, b.path);
  if (theirs === undefined) return undefined;
  return compareHandles(ours, theirs, a.path);
}

/**
 * The same for what is open already.
 *
 * @param path for errors
 * @param reading "all bytes" to know them also where the metadata say that both are shared
 */
export function compareHandles(
  a: Handle,
  b: Handle,
  path: Uint8Array,
  reading: Reading = "what differs",
): Difference[] {
  const ours = statusOf(a.fd);
  const theirs = statusOf(b.fd);
  if (ours.type !== theirs.type) return ["type"];
  const differences: Difference[] = [];
  const content = compareContent(a, b, ours, theirs, { path, reading });
  if (content !== undefined) differences.push(content);
  if (ours.uid !== theirs.uid || ours.gid !== theirs.gid) differences.push("owner");
  // The mode of a symbolic link means nothing and can't be set.
  if (ours.type !== "symlink" && ours.mode !== theirs.mode) differences.push("mode");
  if (!sameAttributes(attributesOf(a), attributesOf(b))) differences.push("extended attributes");
  if (lacksProtection(ours, theirs)) differences.push("flags");
  if (ours.mtimeNs !== theirs.mtimeNs) differences.push("mtime");
  return differences;
}

/** What a copy is protected from beyond its original is its owner's will. */
function lacksProtection(ours: InodeStatus, theirs: InodeStatus): boolean {
  return (ours.isImmutable && !theirs.isImmutable) || (ours.isAppendOnly && !theirs.isAppendOnly);
}

function compareContent(
  a: Handle,
  b: Handle,
  ours: InodeStatus,
  theirs: InodeStatus,
  how: { path: Uint8Array; reading: Reading },
): Difference | undefined {
  switch (ours.type) {
    case "file":
      return sameBytes(a, b, ours, theirs, how) ? undefined : "content";
    case "symlink":
      return Buffer.from(linkTextOf(a)).equals(linkTextOf(b)) ? undefined : "target";
    case "character":
    case "block":
      return ours.rdev === theirs.rdev ? undefined : "device number";
    default:
      return undefined;
  }
}

function sameBytes(
  a: Handle,
  b: Handle,
  ours: InodeStatus,
  theirs: InodeStatus,
  { path, reading }: { path: Uint8Array; reading: Reading },
): boolean {
  if (ours.sizeBytes !== theirs.sizeBytes) return false;
  if (ours.device === theirs.device && ours.inode === theirs.inode) return true;
  using mine = reopen(a, READ, path);
  using other = reopen(b, READ, path);
  const { sizeBytes } = ours;
  const mayKnow = reading === "what differs" && sizeBytes >= LARGE_BYTES;
  if (mayKnow && shareAllExtents(mine.fd, other.fd, sizeBytes)) return true;
  chunks ??= { left: Buffer.alloc(CHUNK_BYTES), right: Buffer.alloc(CHUNK_BYTES) };
  const { left, right } = chunks;
  const isSmall = sizeBytes < CHUNK_BYTES;
  for (let at = 0; ; ) {
    // A hole in both is no byte to read, and a file of a terabyte may be nothing else.
    if (!isSmall) at = Math.min(dataFrom(mine, at, path), dataFrom(other, at, path));
    if (at >= sizeBytes) return true;
    const count = readFully(mine.fd, left, at, path);
    if (count !== readFully(other.fd, right, at, path)) return false;
    if (!left.subarray(0, count).equals(right.subarray(0, count))) return false;
    if (count < CHUNK_BYTES) return true;
    at += count;
  }
}

/** The first data from a position on, or beyond any file. */
function dataFrom({ fd }: Handle, position: number, path: Uint8Array): number {
  try {
    return nextData(fd, position) ?? Number.POSITIVE_INFINITY;
  } catch (cause) {
    if (!(cause instanceof CallFailure)) throw cause;
    throw new CallFailure(`Cannot compare ${visible(path)} with its copy`, cause.errno);
  }
}

/** Fills the buffer as far as the file goes. */
function readFully(fd: number, buffer: Buffer, position: number, path: Uint8Array): number {
  let got = 0;
  while (got < buffer.length) {
    const count = readOnce(fd, buffer.subarray(got), position + got, path);
    if (count === 0) break;
    got += count;
  }
  return got;
}

function readOnce(fd: number, buffer: Buffer, position: number, path: Uint8Array): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, position);
  } catch (cause) {
    throw CallFailure.of(cause, `Cannot compare ${visible(path)} with its copy`);
  }
}
