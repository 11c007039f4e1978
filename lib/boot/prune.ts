/**
 * The pruning of old roots as text, and the unit and the timer that run it: it never
 * runs in the boot's way, but daily beside all else, and a kill at any time costs
 * nothing but the time until the next run.
 */
import type { KeepRule } from "../old-roots.ts";
import type { Profile } from "../profile.ts";
import unchanging from "./prune.sh" with { type: "text" };
import { shellParameters } from "./shell-parameters.ts";
import subvolumes from "./subvolumes.sh" with { type: "text" };
import type { ServiceUnit, TimerUnit } from "./unit.ts";

/** Where the pruning mounts the top of the file system while it works. */
const PRUNE_TOP = "/run/blankroot/prune";
/** What systemd-timesyncd makes once it has set the clock; see systemd-timesyncd.service(8). */
const SYNCHRONISED = "/run/systemd/timesync/synchronized";

/** All programs that the script runs, but for timedatectl, which it asks where it is there. */
export const PRUNE_PROGRAMS = ["btrfs", "mount", "umount", "mkdir", "rmdir", "date"] as const;

export interface PruneParameters {
  /** Block device of the btrfs file system. */
  readonly device: string;
  /** Name of the directory of old roots at the top of the file system. */
  readonly oldRoots: string;
  readonly keep: KeepRule;
  readonly top?: string;
  /** A file that is there once the clock was set. */
  readonly synchronised?: string;
}

/** The script for sh. @throws Refusal for a value with control characters */
export function pruneScript(parameters: PruneParameters): string {
  const assignments = shellParameters("the pruning", {
    device: parameters.device,
    old_roots: parameters.oldRoots,
    days: String(parameters.keep.days),
    at_least: String(parameters.keep.at_least),
    top: parameters.top ?? PRUNE_TOP,
    synchronised: parameters.synchronised ?? SYNCHRONISED,
  });
  return `${assignments}\n${subvolumes}\n${unchanging}`;
}

/** What a profile says of old roots. @param device the node of its file system */
export function pruneParameters(
  { btrfs, rollback }: Pick<Profile, "btrfs" | "rollback">,
  device: string,
): PruneParameters {
  return { device, oldRoots: btrfs.old_roots, keep: rollback.keep };
}

/** The unit that runs `pruneScript()`, started by `pruneTimer()`. */
export function pruneUnit(): ServiceUnit {
  return {
    name: "blankroot-prune",
    description: "Delete the roots of former boots that are no longer kept",
    related: [],
    unit: [],
    service: [
      { key: "Type", value: "oneshot" },
      {
        key: "PrivateMounts",
        value: true,
        why: "the top of the file system is mounted for it alone, and goes even if it is killed",
      },
      {
        key: "TimeoutStartSec",
        value: "1h",
        why: "as a bound: a deletion takes a moment, and its work is done by the kernel later",
      },
      { key: "IOSchedulingClass", value: "idle", why: "it is in no hurry" },
    ],
  };
}

/** Runs the unit daily; of the clock it needs only that it is set by then. */
export function pruneTimer(): TimerUnit {
  return {
    name: "blankroot-prune",
    description: "Delete the roots of former boots daily",
    related: [{ relation: "wantedBy", unit: "timers.target", why: "it begins with the boot" }],
    timer: [
      {
        key: "OnBootSec",
        value: "15min",
        why: "every boot makes an old root; by then the clock was set, or nothing goes by age",
      },
      { key: "OnUnitActiveSec", value: "1d", why: "and daily from then on" },
    ],
  };
}
