/**
 * The content of a file: shared with the copy where the file system can, else
 * copied with its holes.
 */

import type { Pointer } from "bun:ffi";
import { ftruncateSync } from "node:fs";
import { Failure, Fault } from "../../fault.ts";
import { visible } from "../../text.ts";
import type { Handle } from "../at.ts";
import { nextData, nextHole } from "../holes.ts";
import { CallFailure, checked, errno, errnoName, libc, ptr } from "../libc.ts";
import { LeftOut, OF_DISK, orLeaveOut } from "./left-out.ts";

/** _IOW(0x94, 9, int) of linux/fs.h; its argument is the descriptor itself. */
const FICLONE = 0x40049409;
const CHUNK_BYTES = 1024 * 1024;
/** Signals are heard, and progress is told, between so many bytes. */
const PIECE_BYTES = 16 * CHUNK_BYTES;
/** Another file system, or one that can't share at all: no file of it can be shared. */
const NEVER_SHARES = new Set(["EXDEV", "EOPNOTSUPP", "ENOTSUP", "ENOTTY"]);

/** SYNC_FILE_RANGE_WRITE of linux/fs.h */
const WRITE = 2;

export class ContentCopier {
  /** By what is copied: a copy may take from several file systems. */
  readonly #cantShare = new Set<bigint>();
  readonly #onBytes: (count: number) => Promise<void>;
  readonly #buffer = new Uint8Array(new ArrayBuffer(CHUNK_BYTES));

  /**
   * @param onBytes is told how much was copied, between pieces of a long copy; what
   *   it throws ends the copy
   */
  constructor(onBytes: (count: number) => Promise<void>) {
    this.#onBytes = onBytes;
  }

  /**
   * Fills an empty copy.
   *
   * @param device of the original
   * @returns whether the content is shared, and so of one instant
   * @throws LeftOut if the original can't be read, Failure, CallFailure
   */
  async copy(
    original: Handle,
    copy: Handle,
    { sizeBytes, device }: { sizeBytes: number; device: bigint },
    path: Uint8Array,
  ): Promise<boolean> {
    if (sizeBytes === 0) return true;
    if (this.share(original.fd, copy.fd, device, path)) return true;
    try {
      for (const count of this.copyExtents(original.fd, copy.fd, sizeBytes, path)) {
        await this.#onBytes(count);
      }
      return false;
    } catch (error) {
      if (error instanceof Fault || error instanceof LeftOut) throw error;
      const { code } = error as NodeJS.ErrnoException;
      throw new Failure(`Cannot copy the content of ${visible(path)}: ${code}`, { cause: error });
    }
  }

  /** @returns whether it is, wholly. @param device of the original */
  share(from: number, to: number, device: bigint, path: Uint8Array): boolean {
    if (this.#cantShare.has(device)) return false;
    if (libc().ioctl(to, FICLONE, from as unknown as Pointer) !== -1) return true;
    const code = errno();
    const name = errnoName(code);
    if (NEVER_SHARES.has(name)) this.#cantShare.add(device);
    // What a disk has damaged, of the original or of where it goes, shows where it is copied.
    else if (name !== "EINVAL" && !OF_DISK.has(name)) {
      throw new CallFailure(`Cannot share the content of ${visible(path)}`, code);
    }
    return false;
  }

  /** Copies without sharing, and yields how much from time to time. @throws LeftOut, Failure */
  *copyExtents(from: number, to: number, sizeBytes: number, path: Uint8Array): Generator<number> {
    let untold = 0;
    let written = 0;
    let at = orLeaveOut(() => nextData(from, 0)) ?? sizeBytes;
    while (at < sizeBytes) {
      const start = at;
      const end = orLeaveOut(() => nextHole(from, start)) ?? sizeBytes;
      while (at < end) {
        const count = this.#readPiece(from, end - at, at);
        if (count === 0) break;
        this.#writeFully(to, count, at, path);
        at += count;
        written = at;
        untold += count;
        if (untold < PIECE_BYTES) continue;
        startWriting(to, at - untold, untold);
        yield untold;
        untold = 0;
      }
      if (at < end) break;
      at = at < sizeBytes ? (orLeaveOut(() => nextData(from, end)) ?? sizeBytes) : at;
    }
    // A hole at the end, or all of it.
    if (written < sizeBytes) ftruncateSync(to, sizeBytes);
    if (untold > 0) yield untold;
  }

  /** A damaged sector, or a checksum that doesn't hold, spoils this file and no other. */
  #readPiece(fd: number, wanted: number, position: number): number {
    const size = Math.min(wanted, CHUNK_BYTES);
    const count = Number(libc().pread(fd, ptr(this.#buffer), size, position));
    if (count === -1) throw new LeftOut(`it can't be read (${errnoName(errno())})`);
    return count;
  }

  #writeFully(fd: number, length: number, position: number, path: Uint8Array): void {
    for (let done = 0; done < length; ) {
      const from = ptr(this.#buffer, done);
      const count = Number(libc().pwrite(fd, from, length - done, position + done));
      done += checked(count, () => `Cannot write the copy of ${visible(path)}`);
    }
  }
}

/**
 * Has the disk write while the next piece is read, so that little is left for the sync at
 * the end. It is a hint: what fails here fails again there.
 */
function startWriting(fd: number, from: number, length: number): void {
  libc().sync_file_range(fd, from, length, WRITE);
}
