/**
 * GUIDs and UUIDs of a disk to be made, all from one seed, so that a plan can be
 * made again and two disks laid out alike can be compared.
 *
 * Each is a hash of the seed and of what it is for, in the form of a random
 * UUID (version 4, RFC 9562 section 5.4): nothing reads meaning into it.
 */
import { createHash } from "node:crypto";
import type { DiskIds } from "./facts.ts";

export function diskIds(seed: string): DiskIds {
  return {
    disk: uuid(seed, "disk"),
    espPartition: uuid(seed, "esp partition"),
    swapPartition: uuid(seed, "swap partition"),
    btrfsPartition: uuid(seed, "btrfs partition"),
    fatVolume: uuid(seed, "fat volume").slice(0, 8),
    swap: uuid(seed, "swap"),
    btrfs: uuid(seed, "btrfs"),
    btrfsDevice: uuid(seed, "btrfs device"),
  };
}

/** Whether the text is a UUID as RFC 9562 writes it. */
export function isUuid(text: string): boolean {
  return /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i.test(text);
}

function uuid(seed: string, purpose: string): string {
  const bytes = createHash("sha256").update(`${seed.toLowerCase()}\n${purpose}`).digest();
  bytes[6] = (bytes[6]! & 0x0f) | 0x40;
  bytes[8] = (bytes[8]! & 0x3f) | 0x80;
  const hex = bytes.toString("hex");
  const parts = [
    [0, 8],
    [8, 12],
    [12, 16],
    [16, 20],
    [20, 32],
  ] as const;
  return parts.map(([from, to]) => hex.slice(from, to)).join("-");
}
