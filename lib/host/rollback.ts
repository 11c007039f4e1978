/** What a rollback by hand must know of the machine, and what it leaves to read. */

import { readFileSync, statSync } from "node:fs";
import { ROLLBACK_PROGRAMS } from "../boot/rollback.ts";
import { type RollbackResult, readResult } from "../boot/rollback-result.ts";
import { Refusal } from "../fault.ts";
import { namesForRollback, type RollbackFacts } from "../plans/rollback.ts";
import type { Profile } from "../profile.ts";
import { blockDeviceAt } from "./probe/block-device.ts";
import { probeBtrfsTop } from "./probe/btrfs-top.ts";
import { probeDisk } from "./probe/disk.ts";
import { findFilesystem } from "./probe/filesystem.ts";
import { mountsOfSubvolume } from "./probe/namespace-mounts.ts";
import { runningRoot } from "./probe/running-root.ts";
import { diskOfPartition, isPartition } from "./probe/sysfs.ts";
import { missingPrograms } from "./spawn.ts";

/** @throws Refusal where there is no such file system, or a hibernated system on the disk */
export async function probeRollback(profile: Profile): Promise<RollbackFacts> {
  const runs = runningRoot(profile) !== undefined;
  const node = await findFilesystem(profile);
  const disk = await probeDisk(diskOf(profile, node));
  const top = await probeBtrfsTop(node, namesForRollback(profile));
  return { disk, top, runs, rootMounts: mountsOfSubvolume(node, profile.btrfs.root) };
}

/** The script looks for none of its programs: what is missing must be known before it starts. */
export function refuseMissingPrograms(): void {
  const missing = missingPrograms(["unshare", "sh", ...ROLLBACK_PROGRAMS]);
  if (missing.length === 0) return;
  throw new Refusal(`Cannot run rollback: ${missing.join(", ")} not found on PATH`, {
    hint: "They are in util-linux, coreutils and btrfs-progs",
  });
}

/**
 * Called before a run; what it returns reads the result after it: undefined where
 * the run left none, for the file may be a former run's or another disk's.
 */
export function watchResult(file: string, device: string): () => RollbackResult | undefined {
  const stamp = () => statSync(file, { bigint: true, throwIfNoEntry: false })?.ctimeNs;
  const before = stamp();
  return () => {
    if (stamp() === before) return undefined;
    const result = readResult(readFileSync(file, "utf8"));
    return result.device === device ? result : undefined;
  };
}

/** The disk as the profile names it, else the one that carries the file system. */
export function diskOf(profile: Profile, node: string): string {
  if (profile.btrfs.device === undefined) return profile.disk.device;
  const kernelName = blockDeviceAt(node);
  return isPartition(kernelName) ? `/dev/${diskOfPartition(kernelName)}` : node;
}
