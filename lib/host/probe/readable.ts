/**
 * Whether a stretch of a device can be read where signatures lie: at its begin
 * and at its end. blkid ends alike for a device that it can't read and for one
 * that holds nothing, and what can't be read is not known to be blank.
 */
import { closeSync, openSync, readSync } from "node:fs";

/** Covers the signatures that libblkid knows at either end, RAID's and ZFS's too. */
const WINDOW_BYTES = 1024 ** 2;

/** @returns the error's code such as "EIO", or undefined where all could be read */
export function readFault(node: string, startBytes: number, sizeBytes: number): string | undefined {
  const windowBytes = Math.min(WINDOW_BYTES, sizeBytes);
  try {
    const fd = openSync(node, "r");
    try {
      readWindow(fd, startBytes, windowBytes);
      readWindow(fd, startBytes + sizeBytes - windowBytes, windowBytes);
    } finally {
      closeSync(fd);
    }
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === undefined) throw error;
    return code;
  }
}

function readWindow(fd: number, startBytes: number, sizeBytes: number): void {
  const window = new Uint8Array(sizeBytes);
  let done = 0;
  while (done < sizeBytes) {
    const count = readSync(fd, window, done, sizeBytes - done, startBytes + done);
    if (count === 0) return;
    done += count;
  }
}
