/**
 * The C library, called directly: what Bun and node:fs have no call for.
 *
 * One `dlopen`, opened at first use, because start-up is part of the interface.
 * Numbers are those of Linux on x86-64 and aarch64, which agree for all that is
 * used here. A variadic function (`ioctl`, `open`) is declared with the fixed
 * arguments we pass: both ABIs pass them alike.
 */
import { dlopen, type Pointer, ptr, read } from "bun:ffi";
import { constants as osConstants } from "node:os";
import { Failure } from "../fault.ts";

const definitions = {
  __errno_location: { args: [], returns: "ptr" },
  ioctl: { args: ["i32", "u64", "ptr"], returns: "i32" },
  open: { args: ["ptr", "i32", "u32"], returns: "i32" },
  openat: { args: ["i32", "ptr", "i32", "u32"], returns: "i32" },
  readlinkat: { args: ["i32", "ptr", "ptr", "u64"], returns: "i64" },
  mkdirat: { args: ["i32", "ptr", "u32"], returns: "i32" },
  mknodat: { args: ["i32", "ptr", "u32", "u64"], returns: "i32" },
  symlinkat: { args: ["ptr", "i32", "ptr"], returns: "i32" },
  linkat: { args: ["i32", "ptr", "i32", "ptr", "i32"], returns: "i32" },
  unlinkat: { args: ["i32", "ptr", "i32"], returns: "i32" },
  renameat2: { args: ["i32", "ptr", "i32", "ptr", "u32"], returns: "i32" },
  fchmod: { args: ["i32", "u32"], returns: "i32" },
  fchownat: { args: ["i32", "ptr", "u32", "u32", "i32"], returns: "i32" },
  utimensat: { args: ["i32", "ptr", "ptr", "i32"], returns: "i32" },
  getxattr: { args: ["ptr", "ptr", "ptr", "u64"], returns: "i64" },
  listxattr: { args: ["ptr", "ptr", "u64"], returns: "i64" },
  flistxattr: { args: ["i32", "ptr", "u64"], returns: "i64" },
  setxattr: { args: ["ptr", "ptr", "ptr", "u64", "i32"], returns: "i32" },
  removexattr: { args: ["ptr", "ptr"], returns: "i32" },
  statx: { args: ["i32", "ptr", "i32", "u32", "ptr"], returns: "i32" },
  getdents64: { args: ["i32", "ptr", "u64"], returns: "i64" },
  pread: { args: ["i32", "ptr", "u64", "i64"], returns: "i64" },
  pwrite: { args: ["i32", "ptr", "u64", "i64"], returns: "i64" },
  lseek: { args: ["i32", "i64", "i32"], returns: "i64" },
  posix_fadvise: { args: ["i32", "i64", "i64", "i32"], returns: "i32" },
  sync_file_range: { args: ["i32", "i64", "i64", "u32"], returns: "i32" },
  syncfs: { args: ["i32"], returns: "i32" },
  flock: { args: ["i32", "i32"], returns: "i32" },
  adjtimex: { args: ["ptr"], returns: "i32" },
  fcntl: { args: ["i32", "i32", "i64"], returns: "i32" },
  close: { args: ["i32"], returns: "i32" },
  syscall: { args: ["i64", "i64", "i64", "i64", "i64", "i64", "i64"], returns: "i64" },
} as const;

type Libc = ReturnType<typeof dlopen<typeof definitions>>["symbols"];

let loaded: Libc | undefined;

/** The symbols of libc, loaded at first use. */
export function libc(): Libc {
  loaded ??= dlopen("libc.so.6", definitions).symbols;
  return loaded;
}

/** errno of the call just made. Read it at once: anything in between may change it. */
export function errno(): number {
  return read.i32(libc().__errno_location() as Pointer, 0);
}

/** The symbolic name of an errno, such as `ENOENT`. */
export function errnoName(code: number): string {
  for (const [name, value] of Object.entries(osConstants.errno)) if (value === code) return name;
  return `errno ${code}`;
}

/** A failed call of the C library, with its errno. */
export class CallFailure extends Failure {
  readonly errno: number;
  /** Symbolic, such as `ENOENT`. */
  readonly code: string;

  constructor(action: string, code: number) {
    const name = errnoName(code);
    super(`${action}: ${name}`);
    this.errno = code;
    this.code = name;
  }

  /** The same of a call that node:fs made, and threw for. */
  static of(thrown: unknown, action: string): CallFailure {
    return new CallFailure(action, Math.abs((thrown as NodeJS.ErrnoException).errno ?? 0));
  }
}

/** Returns the call's value, or throws with errno; `action` reads "Cannot open /x". */
export function checked(value: number, action: () => string): number {
  if (value !== -1) return value;
  const code = errno();
  throw new CallFailure(action(), code);
}

/**
 * A NUL-terminated copy of a path for the C library. Keep a reference to it
 * until the call has returned: `ptr()` does not keep its buffer alive.
 */
export function cString(text: Uint8Array | string): Uint8Array {
  const bytes = typeof text === "string" ? new TextEncoder().encode(text) : text;
  if (bytes.includes(0)) throw new Failure("Cannot use a path: it contains a NUL byte");
  const buffer = new Uint8Array(new ArrayBuffer(bytes.length + 1));
  buffer.set(bytes);
  return buffer;
}

const LENT_BYTES = 4096;
const lent = new Uint8Array(new ArrayBuffer(LENT_BYTES));

/** The same of a name in a directory, lent until the next one is: for calls made by the thousand. */
export function lentName(name: Uint8Array): Uint8Array {
  if (name.length >= LENT_BYTES) return cString(name);
  lent.set(name);
  lent[name.length] = 0;
  return lent;
}

export { ptr };
