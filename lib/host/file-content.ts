/**
 * The bytes of a file in both subvolumes, held against each other.
 *
 * Files are reached by descriptor from the tops, never through a symlink, another
 * mount or out of the subvolume, and must be the very inode that the metadata
 * named: whatever was put in its place meanwhile is a changed file. Reading leaves
 * no trace (O_NOATIME) and can't block on a fifo (O_NONBLOCK).
 */
import { fstatSync, readSync } from "node:fs";
import type { ReadContent } from "../btrfs/pair-comparison.ts";
import type { InodeId } from "../btrfs/side.ts";
import { Failure } from "../fault.ts";
import { visible } from "../text.ts";
import { type Handle, lookAt, READ, reopen } from "./at.ts";
import { subvolumeOf } from "./btrfs-ioctl.ts";

const CHUNK_BYTES = 1024 * 1024;
/** No file is larger, and nothing beyond can be asked for. */
const FILE_BYTES_MAX = 2n ** 63n - 1n;

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

/** Opens a regular file for reading; undefined where the path leads to another inode, or nowhere. */
function openFile(top: number, path: Uint8Array, meant: InodeId): Handle | undefined {
  using place = lookAt(top, path);
  if (place === undefined) return undefined;
  const stat = fstatSync(place.fd);
  if (!stat.isFile() || stat.ino !== meant.inode) return undefined;
  using opened = new DisposableStack();
  // Only now for reading: to open a device or a fifo would already do something.
  const file = opened.use(reopen(place, READ, path));
  if (subvolumeOf(file.fd) !== meant.tree) return undefined;
  opened.move();
  return file;
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
    const at = BigInt(position) + BigInt(got);
    const count = readOnce(fd, buffer.subarray(got, wanted), at, path);
    if (count === 0) break;
    got += count;
  }
  return buffer.subarray(0, got);
}

function readOnce(fd: number, buffer: Buffer, position: bigint, path: Uint8Array): number {
  const left = FILE_BYTES_MAX - position;
  const length = left < buffer.length ? Number(left) : buffer.length;
  try {
    return readSync(fd, buffer, 0, length, position);
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? `: ${cause.code}` : "";
    throw new Failure(`Cannot read ${visible(path)} to compare it${code}`, { cause });
  }
}
