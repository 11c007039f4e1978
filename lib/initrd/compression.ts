/**
 * Which compression begins at a place of an initrd, and where it ends: archives may
 * follow each other in one file, each compressed in its own way or not at all.
 */
import { Failure } from "../fault.ts";

export type Compression = "gzip" | "zstd" | "xz" | "lzma" | "bzip2" | "lz4" | "lzo";

/** As lib/decompress.c of Linux tells them. */
const MAGICS: ReadonlyArray<readonly [Compression, readonly number[]]> = [
  ["gzip", [0x1f, 0x8b]],
  ["zstd", [0x28, 0xb5, 0x2f, 0xfd]],
  ["xz", [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ["lzma", [0x5d, 0x00, 0x00]],
  ["bzip2", [0x42, 0x5a, 0x68]],
  ["lz4", [0x02, 0x21, 0x4c, 0x18]],
  ["lzo", [0x89, 0x4c, 0x5a, 0x4f]],
];
/** Frames to be passed over have one of 16 magics: 0x184D2A50 and those up to it plus 15. */
const SKIPPABLE = 0x184d2a5;
const ZSTD = 0xfd2fb528;
const BLOCK_RLE = 1;
const BLOCK_RESERVED = 3;

export function compressionAt(bytes: Uint8Array, at: number): Compression | undefined {
  if (isSkippable(bytes, at)) return "zstd";
  return MAGICS.find(([, magic]) => magic.every((byte, index) => bytes[at + index] === byte))?.[0];
}

/**
 * Where the frames of zstd end that follow each other from there; see RFC 8878, 3.1.
 *
 * @throws Failure where they are cut off or damaged
 */
export function zstdEnd(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at + 4 <= bytes.length) {
    if (isSkippable(bytes, at)) at += 8 + little(bytes, at + 4, 4);
    else if (little(bytes, at, 4) === ZSTD) at = frameEnd(bytes, at);
    else break;
  }
  if (at > bytes.length) throw cutOff();
  return at;
}

function frameEnd(bytes: Uint8Array, start: number): number {
  const descriptor = little(bytes, start + 4, 1);
  const isSingle = (descriptor & 0x20) !== 0;
  const contentSizeBytes = [isSingle ? 1 : 0, 2, 4, 8][descriptor >> 6]!;
  const dictionaryBytes = [0, 1, 2, 4][descriptor & 3]!;
  let at = start + 5 + (isSingle ? 0 : 1) + dictionaryBytes + contentSizeBytes;
  for (let isLast = false; !isLast; ) {
    const header = little(bytes, at, 3);
    const type = (header >> 1) & 3;
    if (type === BLOCK_RESERVED) throw new Failure(`no block of zstd at byte ${at}`);
    isLast = (header & 1) === 1;
    at += 3 + (type === BLOCK_RLE ? 1 : header >> 3);
  }
  return at + ((descriptor & 4) === 0 ? 0 : 4);
}

/** Where the header of a member of gzip ends, behind which deflate begins; see RFC 1952, 2.3. */
export function gzipHeaderEnd(bytes: Uint8Array, start: number): number {
  const flags = little(bytes, start + 3, 1);
  let at = start + 10;
  if ((flags & 4) !== 0) at += 2 + little(bytes, at, 2);
  for (const flag of [8, 16]) {
    if ((flags & flag) === 0) continue;
    const end = bytes.indexOf(0, at);
    if (end === -1) throw cutOff();
    at = end + 1;
  }
  return (flags & 2) === 0 ? at : at + 2;
}

/** Behind deflate a member has its checksum and its size. */
export const GZIP_TRAILER_BYTES = 8;

function isSkippable(bytes: Uint8Array, at: number): boolean {
  return at + 8 <= bytes.length && little(bytes, at, 4) >>> 4 === SKIPPABLE;
}

function little(bytes: Uint8Array, at: number, size: number): number {
  if (at + size > bytes.length) throw cutOff();
  let value = 0;
  for (let index = size - 1; index >= 0; index--) value = value * 256 + bytes[at + index]!;
  return value;
}

function cutOff(): Failure {
  return new Failure("it is cut off");
}
