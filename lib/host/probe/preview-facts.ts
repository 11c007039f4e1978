/** What a preview of the next boot must know of the disk, beside the comparison. */
import { closeSync, lstatSync, readdirSync, type Stats, statfsSync } from "node:fs";
import { basename, dirname } from "node:path/posix";
import { survivingPlace } from "../../mount-points.ts";
import type { PreviewFacts } from "../../plans/preview.ts";
import type { Profile } from "../../profile.ts";
import { openDirectoryBelow, View } from "../roots/views.ts";
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
    .filter((path) => statBelow(side.fd, path) === undefined);
}

function withoutPassword(profile: Profile, top: View): PreviewFacts["withoutPassword"] {
  return Object.entries(profile.users).flatMap(([user, { password_file: file }]) => {
    if (file === undefined) return [];
    const place = survivingPlace(profile, file);
    const path = place === undefined ? undefined : `${place.subvolume}${place.rest}`;
    const found = path === undefined ? undefined : statBelow(top.top, path);
    return found?.isFile() ? [] : [{ user, file }];
  });
}

/** lstat below an open directory, through no symbolic link; undefined where there is nothing. */
function statBelow(top: number, path: string): Stats | undefined {
  const directory = openDirectoryBelow(top, dirname(path));
  if (directory === undefined) return undefined;
  try {
    const name = `/proc/self/fd/${directory}/${basename(path)}`;
    return lstatSync(name, { throwIfNoEntry: false });
  } finally {
    closeSync(directory);
  }
}
