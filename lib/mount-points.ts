/**
 * Mount points of a root subvolume: those that are live, and those that a boot
 * will make by the profile.
 *
 * Only what is mounted on the root subvolume itself counts. A mount within
 * another mount (/home/user/x where /home is mounted) has its mount point on
 * that other file system, where nothing is rolled back. Paths of mountinfo are
 * bytes as latin1, as in `Mount`.
 */
import type { Mount } from "./facts.ts";
import { ESP_MOUNT, isWithin } from "./profile/paths.ts";
import type { Profile } from "./profile.ts";

/** Where a subvolume can be seen: the mount, and the directory in it that is its top. */
export interface Place {
  readonly mount: Mount;
  /** Bytes as latin1, absolute. */
  readonly dir: string;
}

/**
 * The place of a directory: the mount that holds it is the last one with the
 * longest mount point above it.
 *
 * @param dir canonical, bytes as latin1
 */
export function holdingMount(mounts: readonly Mount[], dir: string): Mount | undefined {
  let holding: Mount | undefined;
  for (const mount of mounts) {
    if (!isWithin(dir, mount.mountPoint)) continue;
    if (holding === undefined || mount.mountPoint.length >= holding.mountPoint.length)
      holding = mount;
  }
  return holding;
}

/** The path of a place within its file system, as mountinfo writes roots: "/root". */
export function pathInFilesystem({ mount, dir }: Place): string {
  const rest = relativeTo(dir, mount.mountPoint);
  if (rest === "/") return mount.root;
  return mount.root === "/" ? rest : mount.root + rest;
}

/** All places at which a path of a file system is the top of a mount. */
export function placesOf(ours: readonly Mount[], path: string): Place[] {
  return ours
    .filter((mount) => mount.root === path)
    .map((mount) => ({ mount, dir: mount.mountPoint }));
}

/** What is mounted on a subvolume now, as paths below its top, without duplicates. */
export function liveMountPoints(mounts: readonly Mount[], places: readonly Place[]): Uint8Array[] {
  const found = [...liveMounts(mounts, places).keys()];
  return found.sort().map((path) => Uint8Array.from(Buffer.from(path, "latin1")));
}

/** The same with the mount point of each, absolute; all as latin1. */
export function liveMounts(
  mounts: readonly Mount[],
  places: readonly Place[],
): Map<string, string> {
  const found = new Map<string, string>();
  for (const { mount, dir } of places) {
    for (const child of mounts) {
      if (child.parentId !== mount.id || child.id === mount.id) continue;
      if (child.mountPoint === dir || !isWithin(child.mountPoint, dir)) continue;
      found.set(relativeTo(child.mountPoint, dir), child.mountPoint);
    }
  }
  return found;
}

/** What a boot mounts on the root subvolume by the profile: subvolumes, and the ESP. */
export function subvolumeMountPoints(profile: Profile): string[] {
  const all = [...Object.values(profile.btrfs.subvolumes).map(({ mount }) => mount), ESP_MOUNT];
  return outermost(all);
}

/** Both, as bytes; none without a profile. */
export function futureMountPoints(profile: Profile | undefined): Uint8Array[] {
  if (profile === undefined) return [];
  const paths = [...subvolumeMountPoints(profile), ...persistedMountPoints(profile)];
  return paths.map((path) => new TextEncoder().encode(path));
}

/** What stage 2 puts in place on the root subvolume by the profile's lists. */
export function persistedMountPoints(profile: Profile): string[] {
  const { directories, files } = profile.persist;
  const all = [...directories, ...files].map(({ path }) => path);
  const held = subvolumeMountPoints(profile);
  return outermost(all).filter((path) => !held.some((mount) => isWithin(path, mount)));
}

/**
 * The surviving subvolume that a path lies on: the one with the longest mount
 * point above it. Undefined where none has it.
 */
export function survivingPlace(
  profile: Profile,
  path: string,
): { readonly subvolume: string; readonly rest: string } | undefined {
  let found: { subvolume: string; mount: string } | undefined;
  for (const [subvolume, { mount }] of Object.entries(profile.btrfs.subvolumes)) {
    if (!isWithin(path, mount)) continue;
    if (found === undefined || mount.length > found.mount.length) found = { subvolume, mount };
  }
  if (found === undefined) return undefined;
  return { subvolume: found.subvolume, rest: path.slice(found.mount.length) };
}

function outermost(paths: readonly string[]): string[] {
  const unique = [...new Set(paths)];
  return unique.filter((path) => !unique.some((other) => other !== path && isWithin(path, other)));
}

function relativeTo(path: string, top: string): string {
  if (top === "/") return path;
  return path === top ? "/" : path.slice(top.length);
}
