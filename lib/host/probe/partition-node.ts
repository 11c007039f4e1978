/**
 * Finds a partition's node by number, start and size.
 *
 * Names are made differently by each driver (sda1, nvme0n1p1), and links under
 * /dev/disk lag behind or, without udev, do not exist; sysfs shows what the
 * kernel itself believes. See Documentation/ABI/stable/sysfs-block of Linux.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { Failure } from "../../fault.ts";
import type { WrittenPartition } from "../../plan.ts";
import { throwIfInterrupted } from "../interruption.ts";

/** sysfs counts in 512 bytes whatever the sector size is. */
const SYSFS_UNIT_BYTES = 512;
const POLL_MS = 100;

export interface SysfsPartition extends WrittenPartition {
  /** Such as "nvme0n1p1". */
  readonly kernelName: string;
  /** Such as "/dev/nvme0n1p1". */
  readonly node: string;
}

/** The partitions that the kernel shows of a disk, by number. */
export function sysfsPartitions(diskKernelName: string): SysfsPartition[] {
  const dir = join("/sys/class/block", diskKernelName);
  return readdirSync(dir)
    .filter((name) => existsSync(join(dir, name, "partition")))
    .map((name) => ({
      kernelName: name,
      node: nodeOf(join(dir, name)),
      number: readNumber(join(dir, name, "partition")),
      startBytes: readNumber(join(dir, name, "start")) * SYSFS_UNIT_BYTES,
      sizeBytes: readNumber(join(dir, name, "size")) * SYSFS_UNIT_BYTES,
    }))
    .sort((a, b) => a.number - b.number);
}

/** Waits for the node; bounded. @throws Failure when the time is up */
export async function awaitPartition(
  diskKernelName: string,
  wanted: WrittenPartition,
  timeoutMs: number,
): Promise<string> {
  const deadline = performance.now() + timeoutMs;
  do {
    throwIfInterrupted();
    const found = sysfsPartitions(diskKernelName).find((partition) => isSame(partition, wanted));
    if (found !== undefined && existsSync(found.node)) return found.node;
    await Bun.sleep(POLL_MS);
  } while (performance.now() < deadline);
  throw new Failure(
    `Cannot find partition ${wanted.number} of ${diskKernelName}: the kernel did not show it within ${timeoutMs / 1000} s`,
  );
}

/** The node of a block device in sysfs, from its uevent. */
export function nodeOf(sysfsDir: string): string {
  const name = /^DEVNAME=(.+)$/m.exec(readFileSync(join(sysfsDir, "uevent"), "utf8"))?.[1];
  if (name === undefined) throw new Failure(`Cannot name the device at ${sysfsDir}: no DEVNAME`);
  return `/dev/${name}`;
}

function isSame(a: WrittenPartition, b: WrittenPartition): boolean {
  return a.number === b.number && a.startBytes === b.startBytes && a.sizeBytes === b.sizeBytes;
}

function readNumber(file: string): number {
  return Number(readFileSync(file, "utf8").trim());
}
