/**
 * Files reached by descriptor, below a directory that others may write to.
 *
 * The kernel resolves each path itself, beneath the directory and through no
 * symbolic link and no mount (openat2(2)); nothing is checked first and used
 * afterwards. A handle (O_PATH) names one inode whatever becomes of its path, and
 * opening it does nothing to a device or a fifo.
 */
import { closeSync, constants, fstatSync, readdirSync } from "node:fs";
import type { InodeStatus } from "../inode-status.ts";
import { visible } from "../text.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "./libc.ts";

const SYS_OPENAT2 = 437;
/** RESOLVE_NO_XDEV (nested subvolumes are no mounts), NO_MAGICLINKS, NO_SYMLINKS, BENEATH. */
const RESOLVE = 0x01 | 0x02 | 0x04 | 0x08;
/** struct open_how of linux/openat2.h */
const OpenHow = { flags: 0, mode: 8, resolve: 16, size: 24 } as const;
const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;
/** Reads without a trace, and without waiting for a fifo's writer. */
export const READ = constants.O_RDONLY | constants.O_NOATIME | constants.O_NONBLOCK;
/** What a path is that isn't there, or not without a symbolic link on the way. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);
/** Longest path that one call is given; PATH_MAX is 4096 with its NUL. */
const CALL_PATH_MAX_BYTES = 4000;
const LINK_TEXT_MAX_BYTES = 4096;
const SLASH = 0x2f;

/** An open descriptor that is closed at the end of its scope. */
export class Handle implements Disposable {
  readonly fd: number;
  #isOpen = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  /** Where programs and calls without a descriptor find the very inode. */
  get path(): string {
    return `/proc/self/fd/${this.fd}`;
  }

  [Symbol.dispose](): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    closeSync(this.fd);
  }
}

/**
 * Opens a path beneath a directory; a leading "/" is that directory.
 *
 * @throws CallFailure, with ELOOP for a symbolic link and EXDEV for a way out
 */
export function openBeneath(top: number, path: Uint8Array, flags: number, mode = 0): Handle {
  const action = () => `Cannot open ${visible(path)}`;
  let rest = withoutLeadingSlashes(path);
  let above: Handle | undefined;
  while (rest.length > CALL_PATH_MAX_BYTES) {
    const slash = rest.lastIndexOf(SLASH, CALL_PATH_MAX_BYTES);
    using former = above;
    const step = rest.subarray(0, slash);
    above = new Handle(openAt2(former?.fd ?? top, step, O_PATH | constants.O_DIRECTORY, 0, action));
    rest = rest.subarray(slash + 1);
  }
  using last = above;
  return new Handle(openAt2(last?.fd ?? top, rest.length === 0 ? DOT : rest, flags, mode, action));
}

/** A handle on whatever the path names, a symbolic link included; undefined where there is nothing. */
export function lookAt(top: number, path: Uint8Array): Handle | undefined {
  try {
    return openBeneath(top, path, O_PATH | constants.O_NOFOLLOW);
  } catch (error) {
    if (error instanceof CallFailure && ABSENT.has(error.code)) return undefined;
    throw error;
  }
}

/** Opens the inode of a handle for real. Only for what has been seen to be a file or a directory. */
export function reopen(handle: Handle, flags: number, path: Uint8Array): Handle {
  const name = cString(handle.path);
  const fd = libc().open(ptr(name), flags | O_CLOEXEC, 0);
  return new Handle(checked(fd, () => `Cannot open ${visible(path)}`));
}

/** The names in a directory but "." and "..", in no order. */
export function namesIn(directory: Handle): Uint8Array[] {
  return readdirSync(directory.path, { encoding: "buffer" });
}

export function statusOf(fd: number): InodeStatus {
  const stat = fstatSync(fd, { bigint: true });
  return {
    type: typeOf(Number(stat.mode)),
    mode: Number(stat.mode) & 0o7777,
    uid: Number(stat.uid),
    gid: Number(stat.gid),
    sizeBytes: Number(stat.size),
    atimeNs: stat.atimeNs,
    mtimeNs: stat.mtimeNs,
    ctimeNs: stat.ctimeNs,
    device: stat.dev,
    inode: stat.ino,
    links: Number(stat.nlink),
    rdev: stat.rdev,
  };
}

/** The text of the symbolic link that a handle is. */
export function linkTextOf(link: Handle): Uint8Array {
  const empty = cString("");
  const buffer = new Uint8Array(new ArrayBuffer(LINK_TEXT_MAX_BYTES));
  const length = libc().readlinkat(link.fd, ptr(empty), ptr(buffer), LINK_TEXT_MAX_BYTES);
  return buffer.slice(
    0,
    checked(Number(length), () => "Cannot read a symbolic link"),
  );
}

const DOT = new TextEncoder().encode(".");

function openAt2(
  fd: number,
  path: Uint8Array,
  flags: number,
  mode: number,
  action: () => string,
): number {
  const how = new DataView(new ArrayBuffer(OpenHow.size));
  how.setUint32(OpenHow.flags, flags | O_CLOEXEC, true);
  how.setUint32(OpenHow.mode, mode, true);
  how.setUint32(OpenHow.resolve, RESOLVE, true);
  // Both stay referenced until the call is over.
  const name = cString(path);
  const bytes = new Uint8Array(how.buffer);
  const address = [Number(ptr(name)), Number(ptr(bytes))] as const;
  const number = SYS_OPENAT2;
  const result = libc().syscall(number, fd, address[0], address[1], OpenHow.size, 0, 0);
  if (Number(result) !== -1) return Number(result);
  throw new CallFailure(action(), errno());
}

function withoutLeadingSlashes(path: Uint8Array): Uint8Array {
  let start = 0;
  while (path[start] === SLASH) start++;
  return path.subarray(start);
}

function typeOf(mode: number): InodeStatus["type"] {
  switch (mode & constants.S_IFMT) {
    case constants.S_IFREG:
      return "file";
    case constants.S_IFDIR:
      return "directory";
    case constants.S_IFLNK:
      return "symlink";
    case constants.S_IFIFO:
      return "fifo";
    case constants.S_IFSOCK:
      return "socket";
    case constants.S_IFCHR:
      return "character";
    default:
      return "block";
  }
}
