/**
 * Files reached by descriptor, below a directory that others may write to.
 *
 * The kernel resolves each path itself, beneath the directory and through no
 * symbolic link and no mount (openat2(2)); nothing is checked first and used
 * afterwards. A handle (O_PATH) names one inode whatever becomes of its path, and
 * opening it does nothing to a device or a fifo.
 */
import { constants, readdirSync } from "node:fs";
import { constants as osConstants } from "node:os";
import { Failure } from "../fault.ts";
import { visible } from "../text.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "./libc.ts";

const SYS_OPENAT2 = 437;
/** RESOLVE_NO_XDEV (nested subvolumes are no mounts), NO_MAGICLINKS, NO_SYMLINKS, BENEATH. */
const RESOLVE = 0x01 | 0x02 | 0x04 | 0x08;
/** RESOLVE_NO_MAGICLINKS, IN_ROOT. */
const RESOLVE_IN_ROOT = 0x02 | 0x10;
/** struct open_how of linux/openat2.h */
const OpenHow = { flags: 0, mode: 8, resolve: 16, size: 24 } as const;
const O_PATH = 0o10000000;
export const O_CLOEXEC = 0o2000000;
/** Reads without a trace, and without waiting for a fifo's writer. */
export const READ = constants.O_RDONLY | constants.O_NOATIME | constants.O_NONBLOCK;
/** The same of a directory alone. */
export const READ_DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOATIME;
const { ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG, EPERM } = osConstants.errno;
/** What a path is that isn't there, can't be, or isn't without a symbolic link on the way. */
export const ABSENT: ReadonlySet<number> = new Set([ENOENT, ENOTDIR, ELOOP, ENAMETOOLONG]);
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
    libc().close(this.fd);
  }
}

/**
 * Opens a path beneath a directory; a leading "/" is that directory.
 *
 * @throws CallFailure, with ELOOP for a symbolic link and EXDEV for a way out
 */
export function openBeneath(top: number, path: Uint8Array, flags: number, mode = 0): Handle {
  return opened(tryToOpen(top, path, flags, mode), path);
}

/** The kernel's O_TMPFILE holds O_DIRECTORY, whose bit differs by architecture. */
export const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY;

/**
 * Makes a file without a name in a directory, open for reading and writing; it is
 * gone when it is closed unless it was linked.
 *
 * @param path that it is for, for errors
 */
export function openNameless(directory: Handle, path: Uint8Array): Handle {
  const result = tryToOpen(directory.fd, DOT, O_TMPFILE | constants.O_RDWR, 0o600);
  if (result >= 0) return new Handle(result);
  throw new CallFailure(`Cannot make a file in the directory of ${visible(path)}`, -result);
}

/** A handle on whatever the path names, a symbolic link included; undefined where there is nothing. */
export function lookAt(top: number, path: Uint8Array): Handle | undefined {
  const result = tryToOpen(top, path, O_PATH | constants.O_NOFOLLOW, 0);
  return result < 0 && ABSENT.has(-result) ? undefined : opened(result, path);
}

/**
 * Opens a path as a system sees it whose `/` is the directory: through its symbolic
 * links and its mounts, but never out of it. Undefined where there is nothing.
 */
export function openInRoot(top: number, path: string, flags: number): Handle | undefined {
  const bytes = Buffer.from(path);
  const result = openAt2(top, bytes, flags, 0, RESOLVE_IN_ROOT);
  return result < 0 && ABSENT.has(-result) ? undefined : opened(result, bytes);
}

/** Opens the inode of a handle for real. Only for what has been seen to be a file or a directory. */
export function reopen(handle: Handle, flags: number, path: Uint8Array): Handle {
  const name = cString(handle.path);
  let fd = libc().open(ptr(name), flags | O_CLOEXEC, 0);
  // Only owners may read without a trace: see O_NOATIME in open(2).
  const isForeign = fd === -1 && (flags & constants.O_NOATIME) !== 0 && errno() === EPERM;
  if (isForeign) fd = libc().open(ptr(name), (flags & ~constants.O_NOATIME) | O_CLOEXEC, 0);
  return new Handle(checked(fd, () => `Cannot open ${visible(path)}`));
}

/** The names in a directory but "." and "..", in no order. @param path for errors */
export function namesIn(directory: Handle, path: Uint8Array): Uint8Array[] {
  try {
    return readdirSync(directory.path, { encoding: "buffer" });
  } catch (cause) {
    throw CallFailure.of(cause, `Cannot list ${visible(path)}`);
  }
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
/** Both live as long as we do: the kernel reads them while nothing else refers to them. */
const callPath = new Uint8Array(new ArrayBuffer(CALL_PATH_MAX_BYTES + 1));
const callHow = new DataView(new ArrayBuffer(OpenHow.size));

/** A descriptor, or the negative errno: that nothing is there is no exception. */
export function tryToOpen(top: number, path: Uint8Array, flags: number, mode: number): number {
  let rest = withoutLeadingSlashes(path);
  let above: Handle | undefined;
  while (rest.length > CALL_PATH_MAX_BYTES) {
    const slash = rest.lastIndexOf(SLASH, CALL_PATH_MAX_BYTES);
    using former = above;
    above = undefined;
    if (slash === -1) return -ENAMETOOLONG;
    const step = rest.subarray(0, slash);
    const result = openAt2(former?.fd ?? top, step, O_PATH | constants.O_DIRECTORY, 0);
    if (result < 0) return result;
    above = new Handle(result);
    rest = rest.subarray(slash + 1);
  }
  using last = above;
  return openAt2(last?.fd ?? top, rest.length === 0 ? DOT : rest, flags, mode);
}

function openAt2(
  fd: number,
  path: Uint8Array,
  flags: number,
  mode: number,
  resolve = RESOLVE,
): number {
  if (path.includes(0)) throw new Failure("Cannot use a path: it contains a NUL byte");
  callPath.set(path);
  callPath[path.length] = 0;
  callHow.setUint32(OpenHow.flags, flags | O_CLOEXEC, true);
  callHow.setUint32(OpenHow.mode, mode, true);
  callHow.setUint32(OpenHow.resolve, resolve, true);
  const name = Number(ptr(callPath));
  const how = Number(ptr(callHow));
  const result = Number(libc().syscall(SYS_OPENAT2, fd, name, how, OpenHow.size, 0, 0));
  return result === -1 ? -errno() : result;
}

function opened(result: number, path: Uint8Array): Handle {
  if (result >= 0) return new Handle(result);
  throw new CallFailure(`Cannot open ${visible(path)}`, -result);
}

function withoutLeadingSlashes(path: Uint8Array): Uint8Array {
  let start = 0;
  while (path[start] === SLASH) start++;
  return path.subarray(start);
}
