/**
 * The labels of a disk's file systems, all made from the profile's one, so that
 * two machines' disks can hang on one machine without sharing a label.
 */
import type { Profile } from "../profile.ts";

/** FAT has 11 characters; swap has 16 bytes, the last of them NUL. */
const FAT_PREFIX_CHARS = 6;
const SWAP_PREFIX_CHARS = 10;

export interface Labels {
  readonly esp: string;
  readonly swap: string;
  readonly btrfs: string;
}

export function labelsOf(profile: Profile): Labels {
  const plain = profile.disk.label.replace(/[^A-Za-z0-9_-]/g, "");
  const word = plain === "" ? "disk" : plain;
  return {
    esp: `${word.slice(0, FAT_PREFIX_CHARS).toUpperCase()}-BOOT`,
    swap: `${word.slice(0, SWAP_PREFIX_CHARS)}-swap`,
    btrfs: profile.disk.label,
  };
}

/** The labels that the profile's disk will bear. */
export function labelsInUse(profile: Profile): string[] {
  const { esp, swap, btrfs } = labelsOf(profile);
  return profile.disk.swap === undefined ? [esp, btrfs] : [esp, swap, btrfs];
}
