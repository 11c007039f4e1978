/**
 * Every write and flush of a boot, as QEMU's blklogwrites records them: the format of the
 * kernel's dm-log-writes (Documentation/admin-guide/device-mapper/log-writes.rst).
 */
import { closeSync, openSync, readSync, truncateSync, writeFileSync } from "node:fs";

const MAGIC = 0x6a736677736872n;
const VERSION = 1n;
const SECTOR_BYTES = 512;
/** Far more than a boot writes; sparse. */
const SIZE_BYTES = 1024 ** 3;

const Flush = 1n;
const Discard = 4n;
const Mark = 8n;

export interface LoggedWrite {
  readonly kind: "write" | "discard";
  /** Of the disk. */
  readonly offsetBytes: number;
  readonly sizeBytes: number;
  /** Of the log, where the data is. */
  readonly dataAt: number;
}

/** What was written between two flushes: until the second has ended, any of it may be on the disk. */
export type Segment = readonly LoggedWrite[];

/** Arguments of QEMU for a disk whose writes are recorded. */
export function recordedDisk(image: string, log: string): string[] {
  writeFileSync(log, "");
  truncateSync(log, SIZE_BYTES);
  const file = (name: string, path: string) => [
    ...["-blockdev", `driver=file,filename=${path},node-name=${name}-file,cache.no-flush=on`],
    ...["-blockdev", `driver=raw,file=${name}-file,node-name=${name}`],
  ];
  return [
    ...file("disk", image),
    ...file("log", log),
    "-blockdev",
    `driver=blklogwrites,node-name=recorded,file=disk,log=log,log-sector-size=${SECTOR_BYTES}`,
    ...["-device", "virtio-blk-pci,drive=recorded"],
  ];
}

/** @throws where it is no such log, or holds what a virtio disk never sends */
export function readWriteLog(path: string): Segment[] {
  const log = openSync(path, "r");
  try {
    const head = read(log, 0, SECTOR_BYTES);
    if (head.readBigUInt64LE(0) !== MAGIC || head.readBigUInt64LE(8) !== VERSION) {
      throw new Error(`${path} is no log of writes`);
    }
    return segmentsOf(log, Number(head.readBigUInt64LE(16)));
  } finally {
    closeSync(log);
  }
}

function segmentsOf(log: number, count: number): Segment[] {
  const segments: LoggedWrite[][] = [[]];
  let at = SECTOR_BYTES;
  for (let index = 0; index < count; index++) {
    const entry = read(log, at, SECTOR_BYTES);
    const [sector, sectors, flags] = [0, 8, 16].map((offset) => entry.readBigUInt64LE(offset));
    const sizeBytes = Number(sectors!) * SECTOR_BYTES;
    const isDiscard = (flags! & Discard) !== 0n;
    if ((flags! & ~(Flush | Discard | Mark)) !== 0n) throw new Error(`entry with flags ${flags}`);
    at += SECTOR_BYTES;
    if (sizeBytes > 0 && (flags! & Mark) === 0n) {
      segments.at(-1)!.push({
        kind: isDiscard ? "discard" : "write",
        offsetBytes: Number(sector!) * SECTOR_BYTES,
        sizeBytes,
        dataAt: at,
      });
    }
    if (!isDiscard) at += sizeBytes;
    if ((flags! & Flush) !== 0n && segments.at(-1)!.length > 0) segments.push([]);
  }
  return segments.filter((segment) => segment.length > 0);
}

function read(file: number, position: number, length: number): Buffer {
  const bytes = Buffer.alloc(length);
  const got = readSync(file, bytes, 0, length, position);
  if (got < length) throw new Error(`the log ends at ${position + got}`);
  return bytes;
}
