/**
 * Owner, mode, attributes and times of an inode, given to its copy.
 *
 * The order matters: a change of owner clears capabilities and suid, an ACL
 * changes the mode's group bits, and everything before changes the times.
 */
import { chmodSync } from "node:fs";
import type { InodeStatus } from "../../inode-status.ts";
import { visible } from "../../text.ts";
import type { Handle } from "../at.ts";
import { CallFailure, checked, cString, libc, ptr } from "../libc.ts";
import { AT_EMPTY_PATH, Statx } from "../statx.ts";
import { type Attributes, setAttributes } from "../xattr.ts";
import { LeftOut } from "./left-out.ts";

const BILLION = 1_000_000_000n;
/** Permissions that a new file can be made with; the others need a call of their own. */
export const PLAIN_MODE = 0o777;

const OF_ATTRIBUTES = new Set(["ENOSPC", "EDQUOT"]);
const OURS = { uid: process.geteuid!(), gid: process.getegid!() };
const empty = cString("");
/** struct timespec twice: access, then modification. */
const times = new DataView(new ArrayBuffer(32));
const timesBytes = new Uint8Array(times.buffer);

export function copyOwnerAndMode(
  copy: Handle,
  status: InodeStatus,
  attributes: Attributes,
  path: Uint8Array,
): void {
  copyOwner(copy.fd, status, path);
  // A symbolic link has no mode that could be set.
  if (status.type !== "symlink") chmodSync(copy.path, status.mode);
  giveAttributes(copy, attributes);
}

/**
 * The same for a file or a directory that was just made on a stage, open for real: it is
 * ours, and has no attributes but what the system gives to each.
 *
 * @param isLabelled whether the system gives any
 * @param mode that it was made with
 */
export function giveOwnerAndMode(
  copy: Handle,
  status: Pick<InodeStatus, "mode" | "uid" | "gid">,
  { attributes, isLabelled, mode }: { attributes: Attributes; isLabelled: boolean; mode: number },
  path: Uint8Array,
): void {
  const isOurs = status.uid === OURS.uid && status.gid === OURS.gid;
  if (!isOurs) copyOwner(copy.fd, status, path);
  // A change of owner takes suid and sgid away.
  if (status.mode !== mode || !isOurs) {
    const result = libc().fchmod(copy.fd, status.mode);
    checked(result, () => `Cannot set the mode of the copy of ${visible(path)}`);
  }
  if (isLabelled || attributes.size > 0) giveAttributes(copy, attributes);
}

/**
 * A file system with too little room for the attributes of one inode has no word for it
 * but that of a full disk. One that is full says it again to whatever comes next.
 *
 * @throws LeftOut
 */
export function giveAttributes(copy: Handle, attributes: Attributes): void {
  try {
    setAttributes(copy, attributes);
  } catch (error) {
    const isFull = error instanceof CallFailure && OF_ATTRIBUTES.has(error.code);
    throw isFull ? new LeftOut(error.message, error) : error;
  }
}

export function copyTimes(fd: number, status: InodeStatus, path: Uint8Array): void {
  setTime(0, status.atimeNs);
  setTime(16, status.mtimeNs);
  giveTimes(fd, path);
}

/** The same from a struct statx, without making numbers of them. */
export function copyTimesOf(seen: DataView, fd: number, path: Uint8Array): void {
  copyTime(seen, Statx.atime, 0);
  copyTime(seen, Statx.mtime, 16);
  giveTimes(fd, path);
}

function giveTimes(fd: number, path: Uint8Array): void {
  const result = libc().utimensat(fd, ptr(empty), ptr(timesBytes), AT_EMPTY_PATH);
  checked(result, () => `Cannot set the times of the copy of ${visible(path)}`);
}

function copyTime(seen: DataView, from: number, to: number): void {
  times.setUint32(to, seen.getUint32(from, true), true);
  times.setUint32(to + 4, seen.getUint32(from + 4, true), true);
  times.setUint32(to + 8, seen.getUint32(from + 8, true), true);
  times.setUint32(to + 12, 0, true);
}

function setTime(offset: number, time: bigint): void {
  // Times before 1970 count down: the nanoseconds are never negative.
  const nanoseconds = ((time % BILLION) + BILLION) % BILLION;
  times.setBigInt64(offset, (time - nanoseconds) / BILLION, true);
  times.setBigInt64(offset + 8, nanoseconds, true);
}

function copyOwner(
  fd: number,
  { uid, gid }: Pick<InodeStatus, "uid" | "gid">,
  path: Uint8Array,
): void {
  const owner = libc().fchownat(fd, ptr(empty), uid, gid, AT_EMPTY_PATH);
  checked(owner, () => `Cannot set the owner of the copy of ${visible(path)}`);
}
