/**
 * Reads an initrd: what follows what in it, unpacked in memory.
 *
 * Neither cpio nor a program for the usual compressions is needed; for the others
 * one is run where it is found. What can't be read is said and not guessed.
 */
import { fstatSync, readFileSync } from "node:fs";
import { inflateRawSync, zstdDecompressSync } from "node:zlib";
import { Failure } from "../../fault.ts";
import {
  type Compression,
  compressionAt,
  GZIP_TRAILER_BYTES,
  gzipHeaderEnd,
  zstdEnd,
} from "../../initrd/compression.ts";
import { type InitrdContents, InitrdReader } from "../../initrd/contents.ts";
import { isArchive, readArchive } from "../../initrd/cpio.ts";
import { visible } from "../../text.ts";
import { startOf } from "../environment.ts";

/** Whatever somebody wrote there, memory ends. */
const SIZE_MAX_BYTES = 1024 ** 3;
const TIMEOUT_MS = 60_000;

/** Programs that write to stdout what they are given in stdin. */
const PROGRAMS: Readonly<Record<Exclude<Compression, "gzip" | "zstd">, readonly string[]>> = {
  xz: ["xz", "--decompress", "--stdout"],
  lzma: ["xz", "--format=lzma", "--decompress", "--stdout"],
  bzip2: ["bzip2", "--decompress", "--stdout"],
  lz4: ["lz4", "--decompress", "--stdout"],
  lzo: ["lzop", "--decompress", "--stdout"],
};

export type Initrd = InitrdContents | { readonly unreadable: string };

/** @param fd an open file */
export function probeInitrd(fd: number): Initrd {
  try {
    if (fstatSync(fd).size > SIZE_MAX_BYTES) return { unreadable: "it is larger than 1 GiB" };
    const reader = new InitrdReader();
    readParts(readFileSync(fd), (bytes, at) =>
      readArchive(bytes, at, (entry) => reader.add(entry)),
    );
    return reader.contents();
  } catch (error) {
    return { unreadable: visible(error instanceof Error ? error.message : String(error)) };
  }
}

type ReadArchive = (bytes: Uint8Array, at: number) => number;

/** Archives and what is compressed, with zeros between them. */
function readParts(bytes: Uint8Array, read: ReadArchive, isInner = false): void {
  let at = behindZeros(bytes, 0);
  if (at === bytes.length) throw new Failure("it is empty");
  while (at < bytes.length) {
    if (isArchive(bytes, at)) {
      at = behindZeros(bytes, read(bytes, at));
      continue;
    }
    const compression = compressionAt(bytes, at);
    if (compression === undefined) throw new Failure(`no archive at byte ${at}`);
    if (isInner) throw new Failure(`what was compressed is compressed at byte ${at}`);
    const { content, end } = unpack(compression, bytes, at);
    readParts(content, read, true);
    at = behindZeros(bytes, end);
  }
}

interface Unpacked {
  readonly content: Uint8Array;
  /** Where the next part may begin. */
  readonly end: number;
}

function unpack(compression: Compression, bytes: Uint8Array, at: number): Unpacked {
  if (compression === "zstd") return unpackZstd(bytes, at);
  if (compression === "gzip") return unpackGzip(bytes, at);
  // Where it ends, only its program knows: all that follows is taken for a part of it.
  return { content: runProgram(compression, bytes.subarray(at)), end: bytes.length };
}

function unpackZstd(bytes: Uint8Array, at: number): Unpacked {
  const end = zstdEnd(bytes, at);
  const options = { maxOutputLength: SIZE_MAX_BYTES };
  return { content: zstdDecompressSync(bytes.subarray(at, end), options), end };
}

function unpackGzip(bytes: Uint8Array, at: number): Unpacked {
  const start = gzipHeaderEnd(bytes, at);
  const options = { info: true, maxOutputLength: SIZE_MAX_BYTES };
  const inflated: unknown = inflateRawSync(bytes.subarray(start), options);
  // With `info` it is not the bytes alone, which its type doesn't say.
  const { buffer, engine } = inflated as { buffer: Uint8Array; engine: { bytesWritten: number } };
  return { content: buffer, end: start + engine.bytesWritten + GZIP_TRAILER_BYTES };
}

function runProgram(compression: keyof typeof PROGRAMS, input: Uint8Array): Uint8Array {
  const argv = PROGRAMS[compression];
  const start = startOf(argv, [input, "pipe", "pipe"]);
  if (start === undefined) {
    throw new Failure(`it is compressed by ${compression}, and ${argv[0]} is not on PATH`);
  }
  const child = Bun.spawnSync({ ...start, timeout: TIMEOUT_MS, maxBuffer: SIZE_MAX_BYTES });
  if (child.exitCode === 0) return child.stdout;
  throw new Failure(`${argv[0]} can't unpack it: ${child.stderr.toString().trim()}`);
}

function behindZeros(bytes: Uint8Array, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] === 0) at++;
  return at;
}
