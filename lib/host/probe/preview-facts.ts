/** What a preview of the next boot must know of the disk, beside the comparison. */
import { readdirSync, statfsSync } from "node:fs";
import type { InodeStatus } from "../../inode-status.ts";
import { survivingPlace } from "../../mount-points.ts";
import type { PreviewFacts } from "../../plans/preview.ts";
import type { Profile } from "../../profile.ts";
import { lookAt, statusOf } from "../at.ts";
import { View } from "../roots/views.ts";
import type { Roots } from "../roots.ts";
import { probeSubvolumeState } from "./subvolume-state.ts";

export function probePreviewFacts(profile: Profile, roots: Roots): PreviewFacts {
  using top = View.ofDevice(roots.device, "read-only");
  const space = statfsSync(`/proc/self/fd/${roots.root}`);
  return {
    device: roots.device,
    blank: roots.base === undefined ? undefined : probeSubvolumeState(roots.base),
    oldRoots: namesIn(top.directory(profile.btrfs.old_roots)),
    hasPersistRoot: roots.persist !== undefined,
    withoutCopy: withoutCopy(profile, roots),
    withoutPassword: withoutPassword(profile, top),
    sizeBytes: space.blocks * space.bsize,
    freeBytes: space.bavail * space.bsize,
    now: new Date(),
  };
}

function namesIn(directory: number | undefined): string[] {
  if (directory === undefined) return [];
  const names = readdirSync(`/proc/self/fd/${directory}`, { encoding: "buffer" });
  return names.map((name) => name.toString("latin1"));
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
