/**
 * States that a disk can be in when power is lost: all that was flushed, and of what was
 * written since, any part. A prefix is what a disk leaves that writes in order; a choice
 * of writes, what one with a cache leaves; torn writes end at a physical sector.
 */
import { closeSync, openSync, readSync, writeSync } from "node:fs";
import { sh } from "../disk.ts";
import { Random } from "../random.ts";
import type { LoggedWrite, Segment } from "./write-log.ts";

/** Of nearly every disk; btrfs relies on its superblock, which is as long, not being torn. */
const SECTOR_BYTES = 4096;

export interface PowerState {
  /** For people: "segment 3 of 9: 4 of 7 writes". */
  readonly name: string;
  /** That was flushed before; all of them are on the disk. */
  readonly flushed: number;
  /** Of the segment after those, what is on the disk too. */
  readonly writes: readonly LoggedWrite[];
}

/** @param choices how many a segment, beside every prefix */
export function powerStates(
  segments: readonly Segment[],
  seed: number,
  choices: number,
): PowerState[] {
  const random = new Random(seed);
  return segments.flatMap((segment, flushed) => {
    const where = `segment ${flushed + 1} of ${segments.length}`;
    const prefixes = segment.map((_, index) => ({
      name: `${where}: the first ${index + 1} of ${segment.length} writes`,
      flushed,
      writes: segment.slice(0, index + 1),
    }));
    const chosen = Array.from({ length: segment.length > 1 ? choices : 0 }, (_, index) => ({
      name: `${where}: choice ${index + 1} of seed ${seed}`,
      flushed,
      writes: random.some(index % 2 === 0 ? segment : segment.flatMap(torn)),
    }));
    return [...prefixes, ...chosen];
  });
}

function torn(write: LoggedWrite): LoggedWrite[] {
  const count = write.kind === "discard" ? 1 : Math.ceil(write.sizeBytes / SECTOR_BYTES);
  const partBytes = write.kind === "discard" ? write.sizeBytes : SECTOR_BYTES;
  return Array.from({ length: count }, (_, index) => ({
    ...write,
    offsetBytes: write.offsetBytes + index * partBytes,
    sizeBytes: Math.min(partBytes, write.sizeBytes - index * partBytes),
    dataAt: write.dataAt + index * partBytes,
  }));
}

/** Writes to an image what the log has of these. */
export function replay(log: string, image: string, writes: readonly LoggedWrite[]): void {
  const from = openSync(log, "r");
  const to = openSync(image, "r+");
  try {
    for (const { kind, offsetBytes, sizeBytes, dataAt } of writes) {
      if (kind === "discard") {
        const range = ["--offset", String(offsetBytes), "--length", String(sizeBytes)];
        sh(["fallocate", "--punch-hole", ...range, image]);
        continue;
      }
      const data = Buffer.alloc(sizeBytes);
      readSync(from, data, 0, sizeBytes, dataAt);
      writeSync(to, data, 0, sizeBytes, offsetBytes);
    }
  } finally {
    closeSync(from);
    closeSync(to);
  }
}
