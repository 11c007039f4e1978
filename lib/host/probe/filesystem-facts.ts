/** What tells the profile's file system from others, and where names of devices lead to. */
import { statSync } from "node:fs";
import type { FilesystemFacts, SystemFacts } from "../../doctor/facts.ts";
import { devicePaths } from "../../doctor/filesystem.ts";
import { filesystemInfo } from "../btrfs-ioctl.ts";
import type { Roots } from "../roots.ts";
import { blockNameOf, btrfsMembers } from "./btrfs-members.ts";

/** @param systems that name devices */
export function filesystemFacts(
  { root, device }: Roots,
  systems: readonly SystemFacts[],
): FilesystemFacts {
  const members = btrfsMembers(blockNameOf(device) ?? "");
  const leadsTo = devicePaths(systems).flatMap((path): [string, boolean][] => {
    const name = nameAt(path);
    return name === undefined ? [] : [[path, members.has(name)]];
  });
  return { device, uuid: withDashes(filesystemInfo(root).id), leadsTo: new Map(leadsTo) };
}

/** The kernel name of the device at a path of bytes as latin1; undefined for nothing, "" for no device. */
function nameAt(path: string): string | undefined {
  const bytes = Buffer.from(path, "latin1");
  try {
    const isThere = statSync(bytes, { throwIfNoEntry: false }) !== undefined;
    return isThere ? (blockNameOf(bytes) ?? "") : undefined;
  } catch {
    // A loop of links, or a name that is too long: it leads nowhere.
    return undefined;
  }
}

/** As UUIDs are written: 8-4-4-4-12 digits. */
function withDashes(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, "$1-$2-$3-$4-");
}
