/** When a disk counts as nearly full. */

export interface DiskSpace {
  readonly sizeBytes: number;
  readonly freeBytes: number;
}

/** With less than this part of the disk left btrfs may find no room for metadata; of a large one, with less than so many bytes. */
const FREE_PART_MIN = 0.05;
const FREE_BYTES_ENOUGH = 10 * 1024 ** 3;

export function isNearlyFull({ sizeBytes, freeBytes }: DiskSpace): boolean {
  return freeBytes < Math.min(sizeBytes * FREE_PART_MIN, FREE_BYTES_ENOUGH);
}
