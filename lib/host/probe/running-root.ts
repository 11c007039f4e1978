/**
 * Whether the running system's root is the profile's: the same subvolume name is
 * not enough, for a rescue system on another disk may be laid out alike.
 */

import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Mount } from "../../facts.ts";
import { latin1OfText } from "../../latin1.ts";
import type { Profile } from "../../profile.ts";
import { blockNameOf, btrfsMembers, sourceName } from "./btrfs-members.ts";
import { probeMounts } from "./mounts.ts";
import { attribute, diskOfPartition, isPartition } from "./sysfs.ts";

export interface RunningRoot {
  readonly mount: Mount;
  /** The node that the mount shows, such as /dev/vda3. */
  readonly device: string;
}

/** The mount at `/`, where it is the profile's root subvolume on the profile's file system. */
export function runningRoot(
  profile: Profile,
  mounts: readonly Mount[] = probeMounts(),
): RunningRoot | undefined {
  const mount = mounts.findLast(({ mountPoint }) => mountPoint === "/");
  if (mount === undefined) return undefined;
  const member = sourceName(mount);
  if (member === undefined) return undefined;
  const wanted = latin1OfText(`/${profile.btrfs.root}`);
  if (mount.root !== wanted || !isOfProfile(profile, member)) return undefined;
  return { mount, device: Buffer.from(mount.source, "latin1").toString("utf8") };
}

function isOfProfile(profile: Profile, member: string): boolean {
  const members = btrfsMembers(member);
  const { device } = profile.btrfs;
  if (device !== undefined) return members.has(blockNameOf(device) ?? "");
  if (labelOf(member) !== profile.disk.label) return false;
  const { encryption } = profile.disk;
  if (encryption !== undefined) {
    return [...members].some((name) => attribute(name, "dm/name") === encryption.mapper);
  }
  const disk = blockNameOf(profile.disk.device);
  return [...members].some((name) => isPartition(name) && diskOfPartition(name) === disk);
}

/** The label of a mounted btrfs; see Documentation/ABI/testing/sysfs-fs-btrfs of Linux. */
function labelOf(member: string): string | undefined {
  const base = "/sys/fs/btrfs";
  const fsid = readdirSync(base).find((name) => existsSync(join(base, name, "devices", member)));
  if (fsid === undefined) return undefined;
  return readFileSync(join(base, fsid, "label"), "utf8").replace(/\n$/, "");
}
