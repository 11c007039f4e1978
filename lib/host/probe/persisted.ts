/** Listed paths and the directories above them in the persist root, as owners and modes. */
import { dirname } from "node:path/posix";
import type { DoctorFacts, Owner, ParentFact, PersistedFact } from "../../doctor/facts.ts";
import { latin1, latin1OfText } from "../../latin1.ts";
import { survivingPlace } from "../../mount-points.ts";
import type { Profile } from "../../profile.ts";
import { linkTextOf, lookAt } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import type { View } from "../roots/views.ts";
import type { Roots } from "../roots.ts";

/** Ids by name, of users or of groups. */
export type Ids = ReadonlyMap<string, number>;

export interface Names {
  readonly users: Ids;
  readonly groups: Ids;
}

type Found = Pick<DoctorFacts, "persisted" | "parents">;

/** Where something is found: below an open directory. */
export interface Place {
  readonly top: number;
  readonly path: string;
}

/** @param top of the file system */
export function probePersisted(profile: Profile, roots: Roots, top: View, names: Names): Found {
  const { persist } = roots;
  const entries = [...profile.persist.directories, ...profile.persist.files];
  if (persist === undefined) return { persisted: [], parents: [] };
  const above = new Set(entries.flatMap(({ path }) => directoriesAbove(path)));
  const mountPoints = new Set(roots.live.map(latin1));
  return {
    persisted: entries.map((entry) => ({
      path: entry.path,
      copy: copyOf(persist.fd, entry.path),
      isThere: isThereNow(profile, roots, top, entry.path),
      inRoot: mountPoints.has(latin1OfText(entry.path))
        ? undefined
        : ownerBelow(roots.root, entry.path),
      wanted: wantedOf(entry, names),
    })),
    parents: [...above].sort().flatMap((path) => parentFact(path, roots, persist)),
  };
}

/** Where a path is now, beneath what is mounted or linked there from the persist root. */
export function placeNow(profile: Profile, { root }: Roots, top: View, path: string): Place {
  const place = survivingPlace(profile, path);
  return place === undefined
    ? { top: root, path }
    : { top: top.top, path: `${place.subvolume}${place.rest}` };
}

/** Whether something is there: a link to the copy, which impermanence makes before there is one, is nothing. */
export function isThereNow(profile: Profile, roots: Roots, top: View, path: string): boolean {
  const place = placeNow(profile, roots, top, path);
  using found = lookAt(place.top, Buffer.from(place.path));
  if (found === undefined) return false;
  if (statusOf(found.fd).type !== "symlink") return true;
  return latin1(linkTextOf(found)) !== latin1OfText(`${profile.persist.root}${path}`);
}

/** The owner of what a path names below an open directory, through no symbolic link. */
export function ownerBelow(top: number, path: string): Owner | undefined {
  using found = lookAt(top, Buffer.from(path));
  if (found === undefined) return undefined;
  const { uid, gid, mode } = statusOf(found.fd);
  return { uid, gid, mode };
}

function copyOf(persist: number, path: string): PersistedFact["copy"] {
  using found = lookAt(persist, Buffer.from(path));
  if (found === undefined) return undefined;
  const { uid, gid, mode, type } = statusOf(found.fd);
  return { uid, gid, mode, type };
}

function wantedOf(
  { user, group, mode }: Profile["persist"]["files"][number],
  { users, groups }: Names,
): PersistedFact["wanted"] {
  return {
    uid: user === undefined ? undefined : users.get(user),
    gid: group === undefined ? undefined : groups.get(group),
    mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
  };
}

function parentFact(
  path: string,
  roots: Roots,
  persist: NonNullable<Roots["persist"]>,
): ParentFact[] {
  const owner = ownerBelow(persist.fd, path);
  if (owner === undefined) return [];
  const name = path === "/" ? persist.path : `${persist.path}${path}`;
  // The persist root is no copy of `/`.
  const inRoot = path === "/" ? undefined : ownerBelow(roots.root, path);
  return [{ path: name, owner, inRoot }];
}

/** "/", "/a" and "/a/b" of "/a/b/c". */
function directoriesAbove(path: string): string[] {
  const parent = dirname(path);
  return parent === "/" ? ["/"] : [...directoriesAbove(parent), parent];
}
