/**
 * Owner, mode, attributes, times and flags of an inode, given to its copy.
 *
 * The order matters: a change of owner clears capabilities and suid, an ACL
 * changes the mode's group bits, and everything before changes the times.
 */
import { chmodSync } from "node:fs";
import type { InodeStatus } from "../../inode-status.ts";
import { visible } from "../../text.ts";
import type { Handle } from "../at.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "../libc.ts";
import { type Attributes, setAttributes } from "../xattr.ts";

/** FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of linux/fs.h, for 64-bit programs. */
const GETFLAGS = 0x80086601;
const SETFLAGS = 0x40086602;
/** SYNC, NODUMP, NOATIME, COMPR, NOCOMP, DIRSYNC, NOCOW. Immutable and append-only forbid a copy its own making. */
const COPIED_FLAGS = 0x8 | 0x40 | 0x80 | 0x4 | 0x400 | 0x10000 | 0x800000;
const AT_EMPTY_PATH = 0x1000;
const BILLION = 1_000_000_000n;
/** struct timespec twice: access, then modification. */
const TIMES_BYTES = 32;

export function copyOwnerAndMode(
  copy: Handle,
  status: InodeStatus,
  attributes: Attributes,
  path: Uint8Array,
): void {
  const empty = cString("");
  const owner = libc().fchownat(copy.fd, ptr(empty), status.uid, status.gid, AT_EMPTY_PATH);
  checked(owner, () => `Cannot set the owner of the copy of ${visible(path)}`);
  // A symbolic link has no mode that could be set.
  if (status.type !== "symlink") chmodSync(copy.path, status.mode);
  setAttributes(copy, attributes);
}

export function copyTimes(copy: Handle, status: InodeStatus, path: Uint8Array): void {
  const empty = cString("");
  const times = new DataView(new ArrayBuffer(TIMES_BYTES));
  for (const [index, time] of [status.atimeNs, status.mtimeNs].entries()) {
    // Times before 1970 count down: the nanoseconds are never negative.
    const nanoseconds = ((time % BILLION) + BILLION) % BILLION;
    times.setBigInt64(index * 16, (time - nanoseconds) / BILLION, true);
    times.setBigInt64(index * 16 + 8, nanoseconds, true);
  }
  const bytes = new Uint8Array(times.buffer);
  const result = libc().utimensat(copy.fd, ptr(empty), ptr(bytes), AT_EMPTY_PATH);
  checked(result, () => `Cannot set the times of the copy of ${visible(path)}`);
}

/**
 * NOCOW, compression and their like; to be called while the copy is empty, for
 * NOCOW can't be set later. Both must be open for real, not as mere handles.
 */
export function copyFlags(original: Handle, copy: Handle, path: Uint8Array): void {
  const wanted = flagsOf(original);
  const present = flagsOf(copy);
  // A file system without flags has nothing to give or to take.
  if (wanted === undefined || present === undefined) return;
  const flags = (present & ~COPIED_FLAGS) | (wanted & COPIED_FLAGS);
  if (flags === present) return;
  const argument = new Int32Array(new ArrayBuffer(8));
  argument[0] = flags;
  const result = libc().ioctl(copy.fd, SETFLAGS, ptr(argument));
  checked(result, () => `Cannot set the flags of the copy of ${visible(path)}`);
}

function flagsOf(handle: Handle): number | undefined {
  const argument = new Int32Array(new ArrayBuffer(8));
  if (libc().ioctl(handle.fd, GETFLAGS, ptr(argument)) !== -1) return argument[0]!;
  const fault = new CallFailure("Cannot read the flags of a file", errno());
  if (["ENOTTY", "EOPNOTSUPP", "ENOTSUP"].includes(fault.code)) return undefined;
  throw fault;
}
