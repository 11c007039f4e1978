/**
 * The content of a file: shared with the copy where the file system can, else
 * copied with its holes.
 */

import type { Pointer } from "bun:ffi";
import { ftruncateSync, readSync, writeSync } from "node:fs";
import { Failure, Fault } from "../../fault.ts";
import { visible } from "../../text.ts";
import type { Handle } from "../at.ts";
import { CallFailure, errno, libc } from "../libc.ts";
import { LeftOut } from "./left-out.ts";

/** _IOW(0x94, 9, int) of linux/fs.h; its argument is the descriptor itself. */
const FICLONE = 0x40049409;
const SEEK_DATA = 3;
const SEEK_HOLE = 4;
const CHUNK_BYTES = 1024 * 1024;
/** Signals are heard, and progress is told, between so many bytes. */
const PIECE_BYTES = 16 * CHUNK_BYTES;
/** Another file system, or one that can't share these two. */
const CANNOT_SHARE = new Set(["EXDEV", "EOPNOTSUPP", "ENOTSUP", "ENOTTY", "EINVAL"]);

/**
 * Fills an empty copy.
 *
 * @param onBytes is told how much was copied, between pieces of a long copy; what
 *   it throws ends the copy
 * @returns whether the content is shared, and so of one instant
 * @throws LeftOut if the original can't be read, Failure, CallFailure
 */
export async function copyContent(
  original: Handle,
  copy: Handle,
  sizeBytes: number,
  path: Uint8Array,
  onBytes: (count: number) => Promise<void>,
): Promise<boolean> {
  if (libc().ioctl(copy.fd, FICLONE, original.fd as unknown as Pointer) !== -1) return true;
  const code = errno();
  const fault = new CallFailure(`Cannot share the content of ${visible(path)}`, code);
  if (!CANNOT_SHARE.has(fault.code)) throw fault;
  try {
    await copyExtents(original.fd, copy.fd, sizeBytes, onBytes);
    return false;
  } catch (error) {
    if (error instanceof Fault || error instanceof LeftOut) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`Cannot copy the content of ${visible(path)}: ${code}`, { cause: error });
  }
}

async function copyExtents(
  from: number,
  to: number,
  sizeBytes: number,
  onBytes: (count: number) => Promise<void>,
): Promise<void> {
  const buffer = Buffer.allocUnsafe(CHUNK_BYTES);
  ftruncateSync(to, sizeBytes);
  let untold = 0;
  for (let at = seek(from, 0, SEEK_DATA); at !== undefined; at = seek(from, at, SEEK_DATA)) {
    const end = seek(from, at, SEEK_HOLE) ?? sizeBytes;
    while (at < end) {
      const count = readPiece(from, buffer.subarray(0, end - at), at);
      if (count === 0) return;
      writeFully(to, buffer.subarray(0, count), at);
      at += count;
      untold += count;
      if (untold < PIECE_BYTES) continue;
      await onBytes(untold);
      untold = 0;
    }
  }
}

/** A damaged sector, or a checksum that doesn't hold, spoils this file and no other. */
function readPiece(fd: number, into: Buffer, position: number): number {
  try {
    return readSync(fd, into, 0, into.length, position);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new LeftOut(`it can't be read (${code})`, cause);
  }
}

function writeFully(fd: number, bytes: Buffer, position: number): void {
  for (let done = 0; done < bytes.length; ) {
    done += writeSync(fd, bytes, done, bytes.length - done, position + done);
  }
}

/** Undefined behind the last data. */
function seek(fd: number, from: number, whence: number): number | undefined {
  const result = Number(libc().lseek(fd, from, whence));
  if (result !== -1) return result;
  const fault = new CallFailure("Cannot find the holes of a file", errno());
  if (fault.code === "ENXIO") return undefined;
  throw fault;
}
