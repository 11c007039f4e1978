/**
 * The rollback as text: parameters as shell variables, ahead of a script that
 * never changes. By hand and in stage 1 the same text runs, so what was tested
 * is what boots.
 */
import type { Profile } from "../profile.ts";
import unchanging from "./rollback.sh" with { type: "text" };
import { shellParameters } from "./shell-parameters.ts";
import subvolumes from "./subvolumes.sh" with { type: "text" };

/** Where the swap writes its result; /run lives on from stage 1. */
export const ROLLBACK_RESULT = "/run/blankroot/rollback";
/** Where the swap mounts the top of the file system while it works. */
export const ROLLBACK_TOP = "/run/blankroot/top";
/** What the root subvolume's name has at its end while its successor is made. */
export const NEXT_SUFFIX = ".blankroot-next";

/** All programs that the script runs. */
export const ROLLBACK_PROGRAMS = [
  "btrfs",
  "mount",
  "umount",
  "mkdir",
  "rmdir",
  "mv",
  "date",
] as const;

export interface RollbackParameters {
  /** Block device of the btrfs file system. */
  readonly device: string;
  /** Names at the top of the file system. */
  readonly root: string;
  readonly blank: string;
  readonly oldRoots: string;
  /** Whether old roots stay until something prunes them, or go with the rollback. */
  readonly keepOld: boolean;
  readonly top?: string;
  readonly result?: string;
}

/** The script for sh. @throws Refusal for a value with control characters */
export function rollbackScript(parameters: RollbackParameters): string {
  const assignments = shellParameters("the rollback", {
    device: parameters.device,
    root: parameters.root,
    blank: parameters.blank,
    old_roots: parameters.oldRoots,
    keep_old: parameters.keepOld ? "yes" : "no",
    top: parameters.top ?? ROLLBACK_TOP,
    result: parameters.result ?? ROLLBACK_RESULT,
  });
  return `${assignments}\n${subvolumes}\n${unchanging}`;
}

/** What a profile says of the rollback. @param device the node of its file system */
export function rollbackParameters(
  { btrfs, rollback }: Pick<Profile, "btrfs" | "rollback">,
  device: string,
): RollbackParameters {
  const { days, at_least: atLeast } = rollback.keep;
  return {
    device,
    root: btrfs.root,
    blank: btrfs.blank,
    oldRoots: btrfs.old_roots,
    keepOld: days > 0 || atLeast > 0,
  };
}

/**
 * The name that the swap gives to the old root, such as
 * `20261123T172027Z-5f0c…`: the time in UTC, then the boot's id, for the clock of
 * an initrd may be wrong. Where it is taken, `+2` and so on follow.
 *
 * @param bootId of /proc/sys/kernel/random/boot_id, without the newline
 */
export function oldRootName(date: Date, bootId: string): string {
  const time = date.toISOString().replace(/\.\d+/, "").replace(/[-:]/g, "");
  return `${time}-${bootId}`;
}
