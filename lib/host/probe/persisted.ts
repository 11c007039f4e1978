/** Listed paths and the directories above them in the persist root, as owners and modes. */
import { dirname } from "node:path/posix";
import type { DoctorFacts, Owner, ParentFact, PersistedFact } from "../../doctor/facts.ts";
import type { Profile } from "../../profile.ts";
import { lookAt } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import type { Roots } from "../roots.ts";

/** Ids by name, of users or of groups. */
export type Ids = ReadonlyMap<string, number>;

export interface Names {
  readonly users: Ids;
  readonly groups: Ids;
}

type Found = Pick<DoctorFacts, "persisted" | "parents">;

export function probePersisted(profile: Profile, roots: Roots, names: Names): Found {
  const { persist } = roots;
  const entries = [...profile.persist.directories, ...profile.persist.files];
  if (persist === undefined) return { persisted: [], parents: [] };
  const above = new Set(entries.flatMap(({ path }) => directoriesAbove(path)));
  return {
    persisted: entries.map((entry) => persistedFact(entry, persist.fd, names)),
    parents: [...above].sort().flatMap((path) => parentFact(path, roots, persist)),
  };
}

/** The owner of what a path names below an open directory, through no symbolic link. */
export function ownerBelow(top: number, path: string): Owner | undefined {
  using found = lookAt(top, Buffer.from(path));
  if (found === undefined) return undefined;
  const { uid, gid, mode } = statusOf(found.fd);
  return { uid, gid, mode };
}

function persistedFact(
  { path, user, group, mode }: Profile["persist"]["files"][number],
  persist: number,
  { users, groups }: Names,
): PersistedFact {
  return {
    path,
    copy: ownerBelow(persist, path),
    wanted: {
      uid: user === undefined ? undefined : users.get(user),
      gid: group === undefined ? undefined : groups.get(group),
      mode: mode === undefined ? undefined : Number.parseInt(mode, 8),
    },
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
