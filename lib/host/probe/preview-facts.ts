/** What a preview of the next boot must know of the disk, beside the comparison. */
import { constants, openSync, readdirSync, statfsSync } from "node:fs";
import { NEXT_SUFFIX } from "../../boot/rollback.ts";
import { asksToKeep } from "../../boot/stage1.ts";
import { FIRST_FREE_OBJECTID } from "../../btrfs/format.ts";
import type { SubvolumeRecord } from "../../btrfs/root-item.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { survivingPlace } from "../../mount-points.ts";
import type { PreviewFacts, SwapFacts } from "../../plans/preview.ts";
import type { Profile } from "../../profile.ts";
import { Handle, lookAt } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import { View } from "../roots/views.ts";
import type { Roots } from "../roots.ts";
import { commandLine } from "./command-line.ts";
import { probeRecord, probeSubvolumeState } from "./subvolume-state.ts";
import { NEXT_SYSTEM, textInRoot } from "./text-in-root.ts";

/** @param now what the ages of old roots are counted from */
export function probePreviewFacts(profile: Profile, roots: Roots, now: Date): PreviewFacts {
  using own = ownTop(roots);
  const top = roots.top ?? own!;
  const space = statfsSync(`/proc/self/fd/${roots.root}`);
  return {
    device: roots.device,
    ...swapFacts(profile, roots, top),
    oldRoots: subvolumesIn(top.directory(profile.btrfs.old_roots)),
    hasPersistRoot: roots.persist !== undefined,
    withoutCopy: withoutCopy(profile, roots),
    withoutPassword: withoutPassword(profile, top),
    sizeBytes: space.blocks * space.bsize,
    freeBytes: space.bavail * space.bsize,
    now,
  };
}

export function probeSwapFacts(profile: Profile, roots: Roots): SwapFacts {
  using own = ownTop(roots);
  return swapFacts(profile, roots, roots.top ?? own!);
}

/** Where none is open yet: each mount takes milliseconds. */
function ownTop({ top, device }: Roots): View | undefined {
  return top === undefined ? View.ofDevice(device, "read-only") : undefined;
}

/** Of a system that doesn't run, nothing is known of its command line. */
function parameterFacts(running: boolean): Pick<PreviewFacts, "keptNow" | "keptNext"> {
  if (!running) return { keptNow: false, keptNext: false };
  using top = new Handle(openSync("/", constants.O_RDONLY | constants.O_DIRECTORY));
  return {
    keptNow: asksToKeep(commandLine()),
    keptNext: asksToKeep(textInRoot(top.fd, `${NEXT_SYSTEM}/kernel-params`) ?? ""),
  };
}

/** What the rollback would find in its way, asked as it asks. */
function swapFacts({ btrfs }: Profile, { root, base, running }: Roots, top: View): SwapFacts {
  const blank = base === undefined ? undefined : probeRecord(base);
  const isOfBlank = ({ parentUuid }: SubvolumeRecord) =>
    blank !== undefined && parentUuid === blank.uuid;
  const record = probeRecord(root);
  const next = top.subvolume(btrfs.root + NEXT_SUFFIX);
  const hasNext = isThere(top.top, btrfs.root + NEXT_SUFFIX);
  const hasOldRoots = isThere(top.top, btrfs.old_roots);
  return {
    ...parameterFacts(running),
    blank: base === undefined ? undefined : probeSubvolumeState(base),
    isUnused: isOfBlank(record) && !record.isReadOnly && record.generation === record.otransid,
    hasNext,
    strangeNext: hasNext && (next === undefined || !isOfBlank(probeRecord(next))),
    hasOldRoots,
    strangeOldRoots: hasOldRoots && top.directory(btrfs.old_roots) === undefined,
  };
}

function isThere(top: number, path: string): boolean {
  return typeBelow(top, path) !== undefined;
}

/** Names of the subvolumes in a directory: all else there was not put there by a rollback. */
function subvolumesIn(directory: number | undefined): string[] {
  if (directory === undefined) return [];
  const names = readdirSync(`/proc/self/fd/${directory}`, { encoding: "buffer" });
  return names
    .filter((name) => isSubvolume(directory, name))
    .map((name) => name.toString("latin1"));
}

function isSubvolume(directory: number, name: Uint8Array): boolean {
  using found = lookAt(directory, name);
  return found !== undefined && statusOf(found.fd).inode === BigInt(FIRST_FREE_OBJECTID);
}

function withoutCopy({ persist }: Profile, { persist: side }: Roots): string[] {
  if (side === undefined) return [];
  return [...persist.directories, ...persist.files]
    .map(({ path }) => path)
    .filter((path) => typeBelow(side.fd, path) === undefined);
}

function withoutPassword(profile: Profile, top: View): PreviewFacts["withoutPassword"] {
  return Object.entries(profile.users).flatMap(([user, { password_file: file }]) => {
    if (file === undefined) return [];
    const place = survivingPlace(profile, file);
    const path = place === undefined ? undefined : `${place.subvolume}${place.rest}`;
    const isThere = path !== undefined && typeBelow(top.top, path) === "file";
    return isThere ? [] : [{ user, file }];
  });
}

/** The type of what a path names below an open directory, through no symbolic link. */
function typeBelow(top: number, path: string): InodeStatus["type"] | undefined {
  using found = lookAt(top, Buffer.from(path));
  return found === undefined ? undefined : statusOf(found.fd).type;
}
