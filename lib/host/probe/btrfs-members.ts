/** Which devices a mounted btrfs stands on, and which mounts stand on a device. */
import { existsSync, readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../facts.ts";
import { probeMounts } from "./mounts.ts";
import { kernelNameOf, majorMinorOf } from "./sysfs.ts";

/** The mounts of the btrfs on this device, in the order they were mounted in. @param mounts all of them */
export function mountsOfBtrfs(
  kernelName: string,
  mounts: readonly Mount[] = probeMounts(),
): Mount[] {
  const members = btrfsMembers(kernelName);
  return mounts.filter((mount) => members.has(sourceName(mount) ?? ""));
}

/**
 * The kernel names of all devices of the mounted btrfs that has this one, itself
 * included: a mount shows an anonymous number and only one of several devices.
 */
export function btrfsMembers(kernelName: string): Set<string> {
  const base = "/sys/fs/btrfs";
  if (!existsSync(base)) return new Set();
  for (const fsid of readdirSync(base)) {
    const dir = join(base, fsid, "devices");
    if (!existsSync(dir)) continue;
    const names = readdirSync(dir);
    if (names.includes(kernelName)) return new Set(names);
  }
  return new Set();
}

/** The kernel name of the one device that a mount of btrfs shows; undefined for other file systems. */
export function sourceName(mount: Mount): string | undefined {
  if (mount.fsType !== "btrfs") return undefined;
  return blockNameOf(Buffer.from(mount.source, "latin1"));
}

/** The kernel name of a block device's node, or undefined. */
export function blockNameOf(node: string | Buffer): string | undefined {
  const found = statSync(node, { throwIfNoEntry: false });
  return found?.isBlockDevice() ? kernelNameOf(majorMinorOf(found.rdev)) : undefined;
}
