/**
 * What statx(2) says of a name in an open directory, without following anything.
 *
 * One buffer for all: a status is read at once and lent until the next look. statx
 * rather than fstatat, for it alone tells the top of a mount (STATX_ATTR_MOUNT_ROOT).
 */
import { constants as osConstants } from "node:os";
import type { Time } from "../../btrfs/change.ts";
import { Vanished } from "../../btrfs/damage.ts";
import { type Exact, exactOf } from "../../exact.ts";
import { CallFailure, errno, libc, ptr } from "../libc.ts";
import { AT_NO_AUTOMOUNT, AT_SYMLINK_NOFOLLOW, Statx } from "../statx.ts";

/** STATX_BASIC_STATS and STATX_BTIME */
const STATX_WANTED = 0xfff;
const STATX_ATTR_MOUNT_ROOT = 0x2000;
const { ENOENT, ENOTDIR } = osConstants.errno;

export interface Status {
  readonly links: number;
  readonly uid: number;
  readonly gid: number;
  /** st_mode whole. */
  readonly mode: number;
  readonly inode: number;
  readonly device: number;
  readonly sizeBytes: Exact;
  readonly btimeNs: bigint;
  readonly ctime: Time;
  readonly mtime: Time;
  readonly isMountRoot: boolean;
}

const view = new DataView(new ArrayBuffer(Statx.size));
const callName = new Uint8Array(new ArrayBuffer(257));

/** A name as the C library wants it; lent until the next call. */
export function asCallName(arena: Uint8Array, start: number, length: number): Uint8Array {
  for (let index = 0; index < length; index++) callName[index] = arena[start + index]!;
  callName[length] = 0;
  return callName;
}

/**
 * @param name with its NUL
 * @throws Vanished where it is gone, CallFailure
 */
export function statusAt(directory: number, name: Uint8Array): Status {
  const flags = AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT;
  const result = libc().statx(directory, ptr(name), flags, STATX_WANTED, ptr(view));
  if (result === -1) {
    const fault = new CallFailure("Cannot look at a file", errno());
    const isGone = fault.errno === ENOENT || fault.errno === ENOTDIR;
    throw isGone ? new Vanished("Cannot look at a file: it went away meanwhile") : fault;
  }
  return {
    links: view.getUint32(Statx.links, true),
    uid: view.getUint32(Statx.uid, true),
    gid: view.getUint32(Statx.gid, true),
    mode: view.getUint16(Statx.mode, true),
    inode: Number(view.getBigUint64(Statx.inode, true)),
    device:
      view.getUint32(Statx.deviceMajor, true) * 2 ** 20 + view.getUint32(Statx.deviceMinor, true),
    sizeBytes: exactOf(view.getBigUint64(Statx.sizeBytes, true)),
    btimeNs: nanosecondsAt(Statx.btime),
    ctime: timeAt(Statx.ctime),
    mtime: timeAt(Statx.mtime),
    isMountRoot: (view.getUint32(Statx.attributes, true) & STATX_ATTR_MOUNT_ROOT) !== 0,
  };
}

function timeAt(offset: number): Time {
  return {
    seconds: exactOf(view.getBigInt64(offset, true)),
    nanoseconds: view.getUint32(offset + 8, true),
  };
}

function nanosecondsAt(offset: number): bigint {
  return view.getBigInt64(offset, true) * 1_000_000_000n + BigInt(view.getUint32(offset + 8, true));
}
