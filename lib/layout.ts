/**
 * Where the partitions of a disk lie: ESP from 1 MiB, swap, btrfs over the rest.
 *
 * Everything is aligned to 1 MiB, which suits every sector and erase block size;
 * the end of the disk is left to the backup of the GPT.
 */

import type { Disk } from "./facts.ts";
import { Refusal } from "./fault.ts";
import type { Profile } from "./profile.ts";
import { formatBytes } from "./text.ts";

export const MIB = 1024 ** 2;
/** What mkfs.btrfs wants and a root snapshot needs to be of any use. */
const BTRFS_MIN_BYTES = 512 * MIB;
/** GPT entries: 128 of 128 bytes (UEFI specification, section 5.3). */
const GPT_ENTRIES_BYTES = 128 * 128;
/** Fewer clusters and it is FAT16 by definition (Microsoft's FAT specification). */
const FAT32_MIN_CLUSTERS = 65_525;

export interface Slice {
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
}

export interface Layout {
  readonly esp: Slice;
  readonly swap: Slice | undefined;
  readonly btrfs: Slice;
}

/** @throws Refusal where the profile does not fit the disk */
export function layOut(
  profile: Profile,
  disk: Pick<Disk, "node" | "sizeBytes" | "sectorSizeBytes">,
): Layout {
  refuseSmallEsp(profile, disk);
  const esp = { number: 1, startBytes: MIB, sizeBytes: profile.disk.esp };
  const afterEsp = alignUp(esp.startBytes + esp.sizeBytes);
  const swapBytes = profile.disk.swap?.size;
  const swap =
    swapBytes === undefined ? undefined : { number: 2, startBytes: afterEsp, sizeBytes: swapBytes };
  const startBytes = swap === undefined ? afterEsp : alignUp(swap.startBytes + swap.sizeBytes);
  const endBytes = alignDown(disk.sizeBytes - GPT_ENTRIES_BYTES - disk.sectorSizeBytes);
  const sizeBytes = endBytes - startBytes;
  if (sizeBytes < BTRFS_MIN_BYTES) {
    const needed = startBytes + BTRFS_MIN_BYTES + MIB;
    throw new Refusal(
      `Cannot format ${disk.node}: it has ${formatBytes(disk.sizeBytes)}, the profile needs at least ${formatBytes(needed)}`,
      { hint: "Make disk.esp or disk.swap.size smaller, or take a larger disk" },
    );
  }
  return { esp, swap, btrfs: { number: swap === undefined ? 2 : 3, startBytes, sizeBytes } };
}

function refuseSmallEsp(profile: Profile, disk: Pick<Disk, "node" | "sectorSizeBytes">): void {
  const sector = disk.sectorSizeBytes;
  const fatSectors = Math.ceil(((FAT32_MIN_CLUSTERS + 2) * 4) / sector);
  // 32 reserved sectors, two tables, one sector a cluster; a MiB for mkfs.fat's alignment.
  const minimum = alignUp((FAT32_MIN_CLUSTERS + 32 + 2 * fatSectors) * sector) + MIB;
  if (profile.disk.esp >= minimum && profile.disk.esp % sector === 0) return;
  const wanted =
    profile.disk.esp < minimum
      ? `FAT32 on sectors of ${sector} bytes needs at least ${formatBytes(minimum)}`
      : `expected a multiple of the sector size, ${sector} bytes`;
  throw new Refusal(
    `Cannot format ${disk.node}: disk.esp is ${formatBytes(profile.disk.esp)}, ${wanted}`,
  );
}

function alignUp(bytes: number): number {
  return Math.ceil(bytes / MIB) * MIB;
}

function alignDown(bytes: number): number {
  return Math.floor(bytes / MIB) * MIB;
}
