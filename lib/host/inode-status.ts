/**
 * The status of an inode by statx(2), by descriptor or by its name in a directory,
 * never through a symbolic link.
 *
 * Rather than fstat(2): it alone tells what chattr locks, and one call for a name
 * spares the descriptor, of which a copy of many small files has thousands.
 */
import { constants } from "node:os";
import type { InodeStatus } from "../inode-status.ts";
import { CallFailure, cString, errno, libc, ptr } from "./libc.ts";
import {
  AT_EMPTY_PATH,
  AT_NO_AUTOMOUNT,
  AT_SYMLINK_NOFOLLOW,
  STATX_BASIC_STATS,
  Statx,
} from "./statx.ts";

const AT_FDCWD = -100;
const AT_STATX_DONT_SYNC = 0x4000;
const STATX_ATTR_IMMUTABLE = 0x10;
const STATX_ATTR_APPEND = 0x20;
const TYPE_MASK = 0o170000;
const TYPES = new Map<number, InodeStatus["type"]>([
  [0o010000, "fifo"],
  [0o020000, "character"],
  [0o040000, "directory"],
  [0o060000, "block"],
  [0o100000, "file"],
  [0o120000, "symlink"],
  [0o140000, "socket"],
]);
const BILLION = 1_000_000_000n;
const { ENOENT, ENOTDIR } = constants.errno;

const view = new DataView(new ArrayBuffer(Statx.size));
const empty = cString("");

export function statusOf(fd: number): InodeStatus {
  const status = look(fd, empty, AT_EMPTY_PATH);
  if (status !== undefined) return status;
  throw new CallFailure("Cannot look at a file", ENOENT);
}

/** @param name with its NUL. @returns undefined where there is none */
export function statusAt(directory: number, name: Uint8Array): InodeStatus | undefined {
  return look(directory, name, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT);
}

/**
 * What a path leads to, through the links of /proc alone: never asked of a server.
 * Undefined where that is nothing, or not for us to see.
 */
export function statusThrough(path: string | Uint8Array): InodeStatus | undefined {
  const name = cString(path);
  const flags = AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC;
  const result = libc().statx(AT_FDCWD, ptr(name), flags, STATX_BASIC_STATS, ptr(view));
  return result === -1 ? undefined : lastLook();
}

function look(fd: number, name: Uint8Array, flags: number): InodeStatus | undefined {
  if (libc().statx(fd, ptr(name), flags, STATX_BASIC_STATS, ptr(view)) !== -1) return lastLook();
  const code = errno();
  if (code === ENOENT || code === ENOTDIR) return undefined;
  throw new CallFailure("Cannot look at a file", code);
}

function lastLook(): InodeStatus {
  const mode = view.getUint16(Statx.mode, true);
  const attributes = view.getUint32(Statx.attributes, true);
  return {
    type: TYPES.get(mode & TYPE_MASK) ?? "file",
    mode: mode & 0o7777,
    uid: view.getUint32(Statx.uid, true),
    gid: view.getUint32(Statx.gid, true),
    sizeBytes: Number(view.getBigUint64(Statx.sizeBytes, true)),
    atimeNs: timeAt(Statx.atime),
    mtimeNs: timeAt(Statx.mtime),
    ctimeNs: timeAt(Statx.ctime),
    device: deviceOf(view),
    inode: view.getBigUint64(Statx.inode, true),
    links: view.getUint32(Statx.links, true),
    rdev: device(view.getUint32(Statx.rdevMajor, true), view.getUint32(Statx.rdevMinor, true)),
    isImmutable: (attributes & STATX_ATTR_IMMUTABLE) !== 0,
    isAppendOnly: (attributes & STATX_ATTR_APPEND) !== 0,
  };
}

function timeAt(offset: number): bigint {
  return view.getBigInt64(offset, true) * BILLION + BigInt(view.getUint32(offset + 8, true));
}

/** Most files that are looked at are of one file system, and no device nodes. */
const devices = new Map<number, bigint>();

/** Of the file system, out of a struct statx. */
export function deviceOf(seen: DataView): bigint {
  return device(seen.getUint32(Statx.deviceMajor, true), seen.getUint32(Statx.deviceMinor, true));
}

function device(major: number, minor: number): bigint {
  const key = major * 2 ** 32 + minor;
  const known = devices.get(key);
  if (known !== undefined) return known;
  const number = makeDevice(BigInt(major), BigInt(minor));
  devices.set(key, number);
  return number;
}

/** As makedev(3) puts both numbers into one: what mknod(2) takes and stat(2) gives. */
function makeDevice(major: bigint, minor: bigint): bigint {
  return (
    ((major & 0xfffff000n) << 32n) |
    ((major & 0xfffn) << 8n) |
    ((minor & 0xffffff00n) << 12n) |
    (minor & 0xffn)
  );
}
