/**
 * What of the persist root belongs there: what the lists name, and what else is known to
 * be used from it. Paths are bytes as latin1, as the host has them on its root: the place
 * of `/persist/etc/x` is `/etc/x`.
 */
import { dirname } from "node:path/posix";
import { latin1OfText } from "../latin1.ts";
import { STATE_DIRECTORY } from "../marks.ts";
import { isWithin } from "../profile/paths.ts";
import { PROFILE_TEXT } from "../profile/places.ts";
import type { Profile } from "../profile.ts";
import { STAGE_NAME } from "./leftover.ts";

/** "kept" with all beneath it; "parent" of something that is. */
export type Claim = "kept" | "parent" | "stale";

export class Claims {
  readonly #kept: ReadonlySet<string>;
  readonly #parents: ReadonlySet<string>;

  /** @param mounted what is mounted from the persist root now, as latin1 */
  constructor(profile: Profile, mounted: readonly string[]) {
    this.#kept = new Set([...placesOf(profile).map(latin1OfText), ...mounted]);
    this.#parents = new Set([...this.#kept].flatMap(directoriesAbove));
  }

  /** @param path whose directories above are all "parent" */
  of(path: string): Claim {
    // persist-copy finds and removes it.
    if (path.endsWith(`/${STAGE_NAME}`)) return "kept";
    if (this.#kept.has(path)) return "kept";
    return this.#parents.has(path) ? "parent" : "stale";
  }
}

function placesOf({ btrfs, persist, users }: Profile): string[] {
  const { directories, files, root } = persist;
  const named = [
    ...Object.values(users).flatMap(({ password_file: file }) =>
      file === undefined ? [] : [file],
    ),
    // Where another subvolume is mounted within the persist root.
    ...Object.values(btrfs.subvolumes).map(({ mount }) => mount),
  ];
  return [
    ...[...directories, ...files].map(({ path }) => path),
    ...named
      .filter((path) => path !== root && isWithin(path, root))
      .map((path) => path.slice(root.length)),
    STATE_DIRECTORY,
    PROFILE_TEXT,
  ];
}

/** "/a" and "/a/b" of "/a/b/c". */
function directoriesAbove(path: string): string[] {
  const parent = dirname(path);
  return parent === "/" ? [] : [...directoriesAbove(parent), parent];
}
