/**
 * How much of the disk subvolumes hold, and what deleting them would free; and by
 * which way that was found, for no figure of shared space is worth more than its
 * method.
 *
 * Quota groups are asked where they are on, of a single subvolume: of several they
 * don't say what these share among themselves. Else every extent is looked up.
 */
import type { HeldSpace } from "../btrfs/held-space.ts";
import { readHeldSpace } from "../btrfs/held-space.ts";
import { readQgroup } from "../btrfs/qgroups.ts";
import { syncFilesystem } from "./btrfs-ioctl.ts";
import { extentUsers } from "./extent-users.ts";
import { TreeSearch } from "./tree-search.ts";

export interface FoundSpace extends HeldSpace {
  readonly method: SpaceMethod;
}

export type SpaceMethod = "qgroups" | "backrefs";

/**
 * @param fd anything open on the file system
 * @param trees of subvolumes taken as one; see treesWithNested()
 * @throws Failure where metadata can't be read, Refusal where it is no btrfs
 */
export function findHeldSpace(fd: number, trees: readonly number[]): FoundSpace {
  syncFilesystem(fd);
  const reader = new TreeSearch(fd);
  const [only, ...others] = trees;
  const group = only === undefined || others.length > 0 ? undefined : readQgroup(reader, only);
  if (group !== undefined) return { ...group, method: "qgroups" };
  const space = readHeldSpace(reader, trees, (address) => extentUsers(fd, address));
  return { ...space, method: "backrefs" };
}
