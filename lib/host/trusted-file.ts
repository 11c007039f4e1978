/**
 * Opening a file that nobody named: only if nobody else can have put it there.
 *
 * Every name on the way is opened by descriptor and judged by what was opened, so
 * that nothing can be exchanged between the look and the use. Symlinks are followed
 * where root or the caller made them: on NixOS all of /etc is such links.
 */
import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from "node:fs";
import { Refusal } from "../fault.ts";
import { grown } from "../grown.ts";
import { visible } from "../text.ts";
import { CallFailure, checked, cString, libc, ptr } from "./libc.ts";

const O_PATH = 0o10000000;
const O_CLOEXEC = 0o2000000;
const SYMLINKS_MAX = 40;
const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;
/** Hardly a file is longer, though one may be. */
const USUAL_BYTES = 16 * 1024;

/** Reads a trusted file whole; undefined where there is none. A relative path is the caller's. */
export function readTrusted(path: string, limitBytes: number): Uint8Array | undefined {
  const fd = openTrusted(path);
  if (fd === undefined) return undefined;
  try {
    return readAtMost(fd, limitBytes);
  } finally {
    closeSync(fd);
  }
}

/** Reads a descriptor to its end, but no more than one byte over the limit. */
export function readAtMost(fd: number, limitBytes: number): Uint8Array {
  let buffer = new Uint8Array(Math.min(USUAL_BYTES, limitBytes + 1));
  let length = 0;
  for (;;) {
    const count = readSync(fd, buffer, length, buffer.length - length, null);
    length += count;
    if (count === 0 || length > limitBytes) return buffer.slice(0, length);
    if (length === buffer.length) buffer = grown(buffer, Math.min(2 * length, limitBytes + 1));
  }
}

function openTrusted(path: string): number | undefined {
  const walk = new Walk(path);
  try {
    const found = walk.run();
    // What was judged is what is read: the link of a descriptor leads to its very inode.
    return found ? openSync(`/proc/self/fd/${walk.fd}`, constants.O_RDONLY) : undefined;
  } finally {
    walk.close();
  }
}

/** A walk from `/` or the working directory to a file, one descriptor at a time. */
class Walk {
  fd: number;
  readonly #path: string;
  #names: string[];
  #links = 0;

  constructor(path: string) {
    this.#path = path;
    this.#names = namesOf(path);
    this.fd = openPath(path.startsWith("/") ? "/" : ".");
  }

  /** Whether the file is there; throws where it is not to be trusted. */
  run(): boolean {
    while (this.#names.length > 0) {
      this.#judgeDirectory();
      const name = this.#names.shift()!;
      const next = this.#openBelow(name);
      if (next === undefined) return this.#missing();
      const stats = fstatSync(next);
      if (stats.isSymbolicLink()) this.#follow(next, stats, name);
      else this.#replace(next);
    }
    const stats = fstatSync(this.fd);
    if (!stats.isFile()) throw this.#refusal("it is no regular file, expected one");
    this.#judgeOwner(stats, "it");
    if ((stats.mode & WRITABLE_BY_OTHERS) !== 0) {
      throw this.#refusal(`others may write to it (mode ${octal(stats)}), expected 0644 or less`);
    }
    return true;
  }

  close(): void {
    closeSync(this.fd);
  }

  #judgeDirectory(): void {
    const stats = fstatSync(this.fd);
    if (!stats.isDirectory()) throw this.#refusal("something above it is no directory");
    this.#judgeOwner(stats, "a directory above it");
    // In a sticky directory others can't replace what is ours, and the next name is judged too.
    if ((stats.mode & WRITABLE_BY_OTHERS) !== 0 && (stats.mode & STICKY) === 0) {
      throw this.#refusal(`others may write to a directory above it (mode ${octal(stats)})`);
    }
  }

  #judgeOwner(stats: Stats, what: string): void {
    const caller = process.geteuid!();
    if (stats.uid === 0 || stats.uid === caller) return;
    throw this.#refusal(`${what} belongs to user ${stats.uid}, expected root or user ${caller}`);
  }

  #openBelow(name: string): number | undefined {
    const bytes = cString(name);
    const flags = O_PATH | O_CLOEXEC | constants.O_NOFOLLOW;
    try {
      return checked(libc().openat(this.fd, ptr(bytes), flags, 0), () => "Cannot open it");
    } catch (error) {
      if (!(error instanceof CallFailure)) throw error;
      if (error.code === "ENOENT") return undefined;
      throw this.#refusal(`it can't be looked at (${error.code})`, error);
    }
  }

  #follow(link: number, stats: Stats, name: string): void {
    try {
      this.#judgeOwner(stats, `the symlink ${visible(name)} on the way to it`);
      if (++this.#links > SYMLINKS_MAX) throw this.#refusal("too many symlinks on the way to it");
      const target = readLink(link);
      this.#names.unshift(...namesOf(target));
      if (target.startsWith("/")) this.#replace(openPath("/"));
    } finally {
      closeSync(link);
    }
  }

  #missing(): false {
    if (this.#links === 0) return false;
    throw this.#refusal("a symlink on the way to it leads nowhere");
  }

  #replace(fd: number): void {
    closeSync(this.fd);
    this.fd = fd;
  }

  #refusal(reason: string, cause?: unknown): Refusal {
    return new Refusal(`Cannot take ${visible(this.#path)} as found: ${reason}`, {
      hint: `--profile ${visible(this.#path)} takes it, if you mean it`,
      cause,
    });
  }
}

function namesOf(path: string): string[] {
  return path.split("/").filter((name) => name !== "" && name !== ".");
}

function openPath(path: string): number {
  return openSync(path, O_PATH | O_CLOEXEC | constants.O_DIRECTORY);
}

function readLink(link: number): string {
  const buffer = Buffer.alloc(4096);
  const empty = cString("");
  const length = checked(
    Number(libc().readlinkat(link, ptr(empty), ptr(buffer), BigInt(buffer.length))),
    () => "Cannot read a symlink",
  );
  return buffer.toString("utf8", 0, length);
}

function octal(stats: Stats): string {
  return (stats.mode & 0o7777).toString(8).padStart(4, "0");
}
