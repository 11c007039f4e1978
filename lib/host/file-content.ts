/**
 * The bytes of a file in both subvolumes, held against each other.
 *
 * Files are reached by descriptor from the tops, never through a symlink, another
 * mount or out of the subvolume, and must be the very inode that the metadata
 * named: whatever was put in its place meanwhile is a changed file. Reading leaves
 * no trace (O_NOATIME) and can't block on a fifo (O_NONBLOCK).
 */
import { closeSync, constants, fstatSync, readSync } from "node:fs";
import type { ReadContent } from "../btrfs/diff-trees.ts";
import type { InodeId } from "../btrfs/side.ts";
import { Failure } from "../fault.ts";
import { visible } from "../text.ts";
import { subvolumeOf } from "./btrfs-ioctl.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "./libc.ts";

const SYS_OPENAT2 = 437;
/** RESOLVE_NO_XDEV (nested subvolumes are no mounts), NO_MAGICLINKS, NO_SYMLINKS, BENEATH */
const RESOLVE = 0x01 | 0x02 | 0x04 | 0x08;
/** struct open_how of linux/openat2.h */
const OpenHow = { flags: 0, mode: 8, resolve: 16, size: 24 } as const;
const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const READ = constants.O_RDONLY | constants.O_NOATIME | constants.O_NONBLOCK | O_CLOEXEC;

/** Longest path that one call is given; PATH_MAX is 4096 with its NUL. */
const CALL_PATH_MAX = 4000;
const CHUNK_BYTES = 1024 * 1024;
const SLASH = 0x2f;

/** What became of a file that changes while we look: it is gone, or another one. */
const GONE = ["ENOENT", "ENOTDIR", "ELOOP"];

/**
 * Makes the walk's reader of content from the tops of both subvolumes. It finds a
 * range different also where a file is no longer the one that was meant.
 */
export function contentBelow(root: number, base: number): ReadContent {
  const left = Buffer.alloc(CHUNK_BYTES);
  const right = Buffer.alloc(CHUNK_BYTES);
  return (path, inRoot, inBase, offset, length) => {
    using ours = openFile(root, path, inRoot);
    using theirs = openFile(base, path, inBase);
    if (ours === undefined || theirs === undefined) return false;
    for (let at = offset; at < offset + length; at += CHUNK_BYTES) {
      const wanted = Math.min(CHUNK_BYTES, offset + length - at);
      const ourBytes = readFully(ours.fd, left, at, wanted, path);
      const theirBytes = readFully(theirs.fd, right, at, wanted, path);
      if (!ourBytes.equals(theirBytes)) return false;
    }
    return true;
  };
}

class OpenFile implements Disposable {
  readonly fd: number;

  constructor(fd: number) {
    this.fd = fd;
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

/** Opens a regular file for reading; undefined where the path leads to another inode, or nowhere. */
function openFile(top: number, path: Uint8Array, meant: InodeId): OpenFile | undefined {
  const action = () => `Cannot read ${visible(path)}`;
  using place = openPath(top, path, action);
  if (place === undefined) return undefined;
  const stat = fstatSync(place.fd);
  if (!stat.isFile() || stat.ino !== meant.inode) return undefined;
  // Only now for reading: to open a device or a fifo would already do something.
  const again = cString(`/proc/self/fd/${place.fd}`);
  const file = new OpenFile(checked(libc().open(ptr(again), READ, 0), action));
  if (subvolumeOf(file.fd) === meant.tree) return file;
  file[Symbol.dispose]();
  return undefined;
}

/** A handle (O_PATH) on a path of any length, in steps that the kernel takes. */
function openPath(top: number, path: Uint8Array, action: () => string): OpenFile | undefined {
  let rest = path.subarray(1);
  let place: OpenFile | undefined;
  while (rest.length > CALL_PATH_MAX) {
    const slash = rest.lastIndexOf(SLASH, CALL_PATH_MAX);
    using above = place;
    place = openBeneath(above?.fd ?? top, rest.subarray(0, slash), action);
    if (place === undefined) return undefined;
    rest = rest.subarray(slash + 1);
  }
  using above = place;
  return openBeneath(above?.fd ?? top, rest, action);
}

function openBeneath(fd: number, path: Uint8Array, action: () => string): OpenFile | undefined {
  const how = new DataView(new ArrayBuffer(OpenHow.size));
  const bytes = new Uint8Array(how.buffer);
  how.setUint32(OpenHow.flags, O_PATH | O_CLOEXEC | constants.O_NOFOLLOW, true);
  how.setUint32(OpenHow.resolve, RESOLVE, true);
  const name = cString(path);
  const address = [Number(ptr(name)), Number(ptr(bytes))] as const;
  const result = Number(
    libc().syscall(SYS_OPENAT2, fd, address[0], address[1], OpenHow.size, 0, 0),
  );
  if (result !== -1) return new OpenFile(result);
  const fault = new CallFailure(action(), errno());
  if (GONE.includes(fault.code)) return undefined;
  throw fault;
}

/** The range as far as the file goes. */
function readFully(
  fd: number,
  buffer: Buffer,
  position: number,
  wanted: number,
  path: Uint8Array,
): Buffer {
  let got = 0;
  while (got < wanted) {
    const count = readOnce(fd, buffer.subarray(got, wanted), position + got, path);
    if (count === 0) break;
    got += count;
  }
  return buffer.subarray(0, got);
}

function readOnce(fd: number, buffer: Buffer, position: number, path: Uint8Array): number {
  try {
    return readSync(fd, buffer, 0, buffer.length, position);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? `: ${cause.code}` : "";
    throw new Failure(`Cannot read ${visible(path)} to compare it${code}`, { cause });
  }
}
