/** Small reads of /sys: block devices and their attributes. See sysfs-block of the kernel's ABI documents. */
import { existsSync, readdirSync, readFileSync, realpathSync } from "node:fs";
import { basename, join } from "node:path";

const BLOCK = "/sys/class/block";
/** sysfs counts in 512 bytes whatever the sector size is. */
const UNIT_BYTES = 512;

/** Kernel names of all block devices that have a size, partitions included. */
export function blockDevices(): string[] {
  return readdirSync(BLOCK).filter((name) => sizeBytesOf(name) > 0);
}

/** Whole disks alone: no partitions. */
export function wholeDisks(): string[] {
  return blockDevices().filter((name) => !isPartition(name));
}

export function isPartition(kernelName: string): boolean {
  return existsSync(join(BLOCK, kernelName, "partition"));
}

/** The attribute's text without surrounding space, or undefined where the driver has none. */
export function attribute(kernelName: string, path: string): string | undefined {
  const file = join(BLOCK, kernelName, path);
  try {
    const text = readFileSync(file, "latin1").replaceAll("\0", "").trim();
    return text === "" ? undefined : text;
  } catch {
    // Absent, or a driver that answers with an error: both mean "it has none".
    return undefined;
  }
}

export function sizeBytesOf(kernelName: string): number {
  return Number(attribute(kernelName, "size") ?? 0) * UNIT_BYTES;
}

/** Kernel names in a folder of links, such as "holders". */
export function linksIn(kernelName: string, folder: string): string[] {
  const dir = join(BLOCK, kernelName, folder);
  return existsSync(dir) ? readdirSync(dir) : [];
}

/** The disk that a partition lies on, by the folder that holds it in sysfs. */
export function diskOfPartition(kernelName: string): string {
  return basename(join(realpathSync(join(BLOCK, kernelName)), ".."));
}

/** st_rdev as "major:minor"; the split is that of gnu_dev_major(3). */
export function majorMinorOf(rdev: number): string {
  const number = BigInt(rdev);
  const major = ((number >> 8n) & 0xfffn) | ((number >> 32n) & ~0xfffn);
  const minor = (number & 0xffn) | ((number >> 12n) & ~0xffn & 0xffffffffn);
  return `${major}:${minor}`;
}

/** The kernel name of a device node's number, or undefined for anything that is no block device. */
export function kernelNameOf(majorMinor: string): string | undefined {
  const link = `/sys/dev/block/${majorMinor}`;
  return existsSync(link) ? basename(realpathSync(link)) : undefined;
}
