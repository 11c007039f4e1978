/**
 * The flags of chattr(1): what they are, given to a copy.
 *
 * Immutable and append-only forbid a copy its own making, and are set last. The
 * others are given while a copy is empty, for NOCOW can't be set later.
 */
import { constants } from "node:fs";
import { visible } from "../../text.ts";
import { type Handle, reopen } from "../at.ts";
import { CallFailure, checked, errno, errnoName, libc, ptr } from "../libc.ts";

/** FS_IOC_GETFLAGS and FS_IOC_SETFLAGS of linux/fs.h, for 64-bit programs. */
const GETFLAGS = 0x80086601;
const SETFLAGS = 0x40086602;
/** SYNC, NODUMP, NOATIME, COMPR, NOCOMP, DIRSYNC, NOCOW. */
const COPIED_FLAGS = 0x8 | 0x40 | 0x80 | 0x4 | 0x400 | 0x10000 | 0x800000;
const NOCOMP = 0x400;
const COMPRESSION = 0x4 | NOCOMP;
const NOCOW = 0x800000;
const APPEND = 0x20;
const IMMUTABLE = 0x10;
/** A file system without flags has nothing to give or to take. */
const HAS_NONE = new Set(["ENOTTY", "EOPNOTSUPP", "ENOTSUP"]);

const argument = new Int32Array(new ArrayBuffer(8));

/** Those that a copy is given while it is empty. @param fd open for real, not as a mere handle */
export function flagsToCopy(fd: number): number {
  return effective(flagsOf(fd) ?? 0);
}

/** @param fd open for real. @param wanted see flagsToCopy */
export function giveFlags(fd: number, wanted: number, path: Uint8Array): void {
  const present = flagsOf(fd);
  if (present !== undefined) change(fd, present, wanted, path);
}

/**
 * The same for files made in one directory or below it: what the system gives to the
 * first, by that directory and the mount's options, it gives to all.
 */
export class NewFileFlags {
  #present: number | undefined;
  #isKnown = false;

  give(fd: number, wanted: number, path: Uint8Array): void {
    if (!this.#isKnown) this.#present = flagsOf(fd);
    this.#isKnown = true;
    if (this.#present !== undefined) change(fd, this.#present, wanted, path);
  }
}

export function clearFlags(directory: Handle, path: Uint8Array): void {
  giveFlags(directory.fd, 0, path);
}

/** NOCOMP is set by btrfs itself, where a try to compress didn't pay. */
export function sameFlags(a: number, b: number): boolean {
  const [ours, theirs] = [flagsOf(a), flagsOf(b)];
  if (ours === undefined || theirs === undefined) return true;
  return ((effective(ours) ^ effective(theirs)) & ~NOCOMP) === 0;
}

/** Makes a file or a directory immutable or append-only. */
export function protect(
  copy: Handle,
  { isImmutable, isAppendOnly }: { isImmutable: boolean; isAppendOnly: boolean },
  path: Uint8Array,
): void {
  using opened = reopen(copy, constants.O_RDONLY | constants.O_NONBLOCK, path);
  const present = flagsOf(opened.fd);
  if (present === undefined) return;
  const flags = present | (isImmutable ? IMMUTABLE : 0) | (isAppendOnly ? APPEND : 0);
  if (flags !== present) setFlags(opened.fd, flags, path);
}

/**
 * A file gets NOCOW by the mount and what concerns compression by its directory, and is
 * not compressed then; but no call gives both.
 */
function effective(flags: number): number {
  const copied = flags & COPIED_FLAGS;
  return (copied & NOCOW) === 0 ? copied : copied & ~COMPRESSION;
}

function change(fd: number, present: number, wanted: number, path: Uint8Array): void {
  const flags = (present & ~COPIED_FLAGS) | wanted;
  if (flags === present) return;
  // Nor does one take the place of the other in one call.
  const isOther = (present & NOCOW) !== 0 && (flags & COMPRESSION) !== 0;
  if (isOther) setFlags(fd, present & ~NOCOW, path);
  setFlags(fd, flags, path);
}

function setFlags(fd: number, flags: number, path: Uint8Array): void {
  argument[0] = flags;
  const result = libc().ioctl(fd, SETFLAGS, ptr(argument));
  checked(result, () => `Cannot set the flags of the copy of ${visible(path)}`);
}

function flagsOf(fd: number): number | undefined {
  if (libc().ioctl(fd, GETFLAGS, ptr(argument)) !== -1) return argument[0]!;
  const code = errno();
  if (HAS_NONE.has(errnoName(code))) return undefined;
  throw new CallFailure("Cannot read the flags of a file", code);
}
