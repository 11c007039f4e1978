/** What the deletion of old roots frees: what they and all that is nested in them hold alone. */
import type { FreedSpace } from "../../plans/preview.ts";
import { subvolumeOf } from "../btrfs-ioctl.ts";
import { findSpaceWithNested } from "../exclusive-bytes.ts";
import { View } from "../roots/views.ts";

/**
 * @param paths of the subvolumes, below the top of the file system
 * @returns undefined where none of them is there
 */
export function probeFreedSpace(device: string, paths: readonly string[]): FreedSpace | undefined {
  if (paths.length === 0) return undefined;
  using top = View.ofDevice(device, "read-only");
  const trees = paths.flatMap((path) => {
    const fd = top.subvolume(path);
    return fd === undefined ? [] : [subvolumeOf(fd)];
  });
  if (trees.length === 0) return undefined;
  const { exclusiveBytes, method } = findSpaceWithNested(top.top, trees);
  return { bytes: exclusiveBytes, method };
}
