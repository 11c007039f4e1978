/**
 * The compressed form: the launcher, and behind it the in-place form as Zstandard
 * frames. One for what is before the code and one for what is behind it: they have
 * little in common with it, so that nothing is lost by unpacking them at once. The code
 * is cut once, so that a second processor has more to do, which costs 1 % of the size.
 */
import { promisify } from "node:util";
import { constants, zstdCompress } from "node:zlib";
import {
  AT_CHECKSUM,
  AT_FILE_SIZE,
  AT_ID,
  AT_NUMBERS,
  PAYLOAD_MAGIC,
  unpackedName,
} from "../../lib/host/payload.ts";
import { type Machine, makeBranchesAbsolute } from "./branches.ts";
import { ElfFault, viewOf } from "./elf.ts";
import type { InPlace } from "./in-place.ts";

/** All of a frame is one window: 128 MiB. */
const WINDOW_LOG = 27;
/** Of the code, what is in its first frame: nearer to a half, the start is faster, the file larger. */
const FIRST_PART = 0.74;
/** Where the code may be cut: between two instructions of a machine that has all of one length. */
const CUT_ALIGNMENT = 4096;

const compress = promisify(zstdCompress);

export interface CompressOptions {
  readonly machine: Machine;
  /** Of Zstandard, 1 to 22. */
  readonly level: number;
  /** The launcher, as an ELF file. */
  readonly launcher: Uint8Array;
}

export async function packCompressed(
  inPlace: InPlace,
  options: CompressOptions,
): Promise<Uint8Array> {
  const { code } = inPlace;
  const source = Uint8Array.from(inPlace.bytes);
  const cut = Math.floor((code.size * FIRST_PART) / CUT_ALIGNMENT) * CUT_ALIGNMENT;
  const bytes = source.subarray(code.offset, code.offset + code.size);
  // As the launcher undoes it: each frame by itself.
  makeBranchesAbsolute(options.machine, bytes, 0, cut);
  makeBranchesAbsolute(options.machine, bytes, cut, code.size);
  const cuts = [0, code.offset, code.offset + cut, code.offset + code.size, source.length];
  const frames = await Promise.all(
    cuts.slice(1).map(async (end, index) => {
      const from = cuts[index]!;
      return { from, size: end - from, bytes: await frame(source, from, end, options.level) };
    }),
  );
  // The launcher's own process takes the first.
  frames.sort((a, b) => b.size - a.size);
  return assemble(inPlace, options.launcher, frames);
}

interface Frame {
  readonly from: number;
  readonly size: number;
  readonly bytes: Uint8Array;
}

function frame(source: Uint8Array, from: number, to: number, level: number): Promise<Uint8Array> {
  return compress(source.subarray(from, to), {
    params: {
      [constants.ZSTD_c_compressionLevel]: level,
      [constants.ZSTD_c_windowLog]: WINDOW_LOG,
    },
    pledgedSrcSize: to - from,
  } as Parameters<typeof compress>[1]);
}

function assemble(inPlace: InPlace, launcher: Uint8Array, frames: readonly Frame[]): Uint8Array {
  const place = Buffer.from(launcher).indexOf(PAYLOAD_MAGIC, 0, "latin1");
  if (place < 0) throw new ElfFault(`Cannot pack: no "${PAYLOAD_MAGIC}" in the launcher`);
  const bytes = Buffer.concat([launcher, ...frames.map((frame) => frame.bytes)]);
  const numbers = [
    inPlace.bytes.length,
    inPlace.code.offset,
    inPlace.code.size,
    frames.length,
    ...frames.flatMap((frame, index) => {
      const before = frames.slice(0, index).reduce((sum, { bytes }) => sum + bytes.length, 0);
      return [launcher.length + before, frame.bytes.length, frame.from, frame.size];
    }),
  ];
  const view = viewOf(bytes);
  view.setBigUint64(place + AT_FILE_SIZE, BigInt(bytes.length), true);
  view.setBigUint64(place + AT_CHECKSUM, 0n, true);
  bytes.write(`${unpackedName(inPlace.bytes)}\0`, place + AT_ID, "latin1");
  for (const [index, value] of numbers.entries()) {
    view.setBigUint64(place + AT_NUMBERS + index * 8, BigInt(value), true);
  }
  view.setBigUint64(place + AT_CHECKSUM, Bun.hash.xxHash64(bytes, 0n), true);
  return bytes;
}
