/**
 * Of all that is mounted, what decides which root the next boot takes and what it loses:
 * what is at `/`, whether the persist root is mounted, and the mount points on the root
 * subvolume itself. A mount anywhere else changes no verdict.
 */
import type { Mount } from "../../facts.ts";
import { latin1, latin1OfText } from "../../latin1.ts";
import { liveMountPoints, placesOf } from "../../mount-points.ts";
import { blockNameOf, mountsOfBtrfs } from "./btrfs-members.ts";
import { probeMounts } from "./mounts.ts";

/** Where a root subvolume is. */
export interface RootPlace {
  /** The node of its file system. */
  readonly device: string;
  /** In the file system: "/root". */
  readonly path: string;
  /** The path of the persist root, as the host sees it. */
  readonly persistRoot: string;
}

export interface DecidingMounts extends TopMounts {
  /** On the root subvolume, below its top; bytes as latin1. */
  readonly live: readonly string[];
}

/** What decides whether `/` is the root that is meant. */
export interface TopMounts {
  /** File system, source and path in it of what is at `/`. */
  readonly top: readonly string[];
  readonly isPersistMounted: boolean;
}

export function probeTopMounts(
  persistRoot: string,
  mounts: readonly Mount[] = probeMounts(),
): TopMounts {
  const top = mounts.findLast(({ mountPoint }) => mountPoint === "/");
  return {
    top: top === undefined ? [] : [top.fsType, top.source, top.root],
    isPersistMounted: mounts.some(({ mountPoint }) => mountPoint === latin1OfText(persistRoot)),
  };
}

export function probeDecidingMounts({ device, path, persistRoot }: RootPlace): DecidingMounts {
  const mounts = probeMounts();
  const name = blockNameOf(device);
  const ours = name === undefined ? [] : mountsOfBtrfs(name, mounts);
  const live = liveMountPoints(mounts, placesOf(ours, latin1OfText(path)));
  return { ...probeTopMounts(persistRoot, mounts), live: live.map(latin1) };
}
