/**
 * What is known of a path by where it lies: mount points, the profile's lists,
 * and what lies above or beneath them.
 *
 * A walk brings the entries of a directory together, so what holds for all of
 * them is worked out once, and most paths are answered without a look at their
 * name. Paths in lists are bytes as latin1.
 */

import { basename, dirname } from "node:path/posix";
import { latin1, latin1Part } from "../latin1.ts";
import { isWithin } from "../profile/paths.ts";

export interface PlaceLists {
  /** Mounted on the root now. */
  readonly live: readonly string[];
  /** Where a boot mounts subvolumes and the ESP. */
  readonly atBoot: readonly string[];
  readonly directories: readonly string[];
  readonly files: readonly string[];
}

export interface Place {
  /** Something is mounted there now. */
  readonly isLiveMountPoint: boolean;
  /** Something is mounted there now, or will be at boot. */
  readonly isMountPoint: boolean;
  /** In a list itself, beneath a listed directory, or neither. */
  readonly listing: "entry" | "beneath" | undefined;
  /** A mount point or a listed path lies beneath: a boot makes this directory again. */
  readonly isParent: boolean;
  /** A mount point lies above: the path can't be seen while that is mounted. */
  readonly isShadowed: boolean;
}

const SLASH = 0x2f;

export class Places {
  readonly #lists: PlaceLists;
  readonly #mountPoints: readonly string[];
  /** The paths that are known by name, in their directories. */
  readonly #named = new Map<string, Set<string>>();
  readonly #live: ReadonlySet<string>;
  readonly #entries: ReadonlySet<string>;
  readonly #parents: ReadonlySet<string>;
  #directory = new Uint8Array();
  #directoryText = "";
  #ordinary: Place;
  #names: ReadonlySet<string> | undefined;

  constructor(lists: PlaceLists) {
    this.#lists = lists;
    this.#mountPoints = [...lists.live, ...lists.atBoot];
    this.#live = new Set(lists.live);
    this.#entries = new Set([...lists.directories, ...lists.files]);
    const points = [...this.#mountPoints, ...this.#entries];
    this.#parents = ancestorsOf(points);
    for (const path of [...points, ...this.#parents]) this.#name(path);
    this.#ordinary = this.#enter("");
  }

  /** @param path absolute */
  at(path: Uint8Array): Place {
    const slash = path.lastIndexOf(SLASH);
    if (!this.#isInDirectory(path, slash)) {
      this.#directory = path.slice(0, slash);
      this.#directoryText = latin1(this.#directory) || "/";
      this.#ordinary = this.#enter(this.#directoryText);
    }
    if (this.#names === undefined) return this.#ordinary;
    const name = latin1Part(path, slash + 1);
    return this.#names.has(name) ? this.#special(latin1(path)) : this.#ordinary;
  }

  /**
   * What holds for all that lies in a directory; undefined where something in it
   * is known by its own name.
   *
   * @param directory absolute; "" is the top
   */
  allIn(directory: Uint8Array): Place | undefined {
    const text = latin1(directory) || "/";
    return this.#named.has(text) ? undefined : this.#ordinaryIn(text);
  }

  #special(path: string): Place {
    const isLiveMountPoint = this.#live.has(path);
    return {
      ...this.#ordinary,
      isLiveMountPoint,
      isMountPoint: isLiveMountPoint || this.#lists.atBoot.includes(path),
      listing: this.#entries.has(path) ? "entry" : this.#ordinary.listing,
      isParent: this.#parents.has(path),
    };
  }

  /** What holds for all in a directory that have no name of their own in the lists. */
  #enter(directory: string): Place {
    this.#names = this.#named.get(directory);
    return this.#ordinaryIn(directory);
  }

  #ordinaryIn(directory: string): Place {
    const isListed = this.#lists.directories.some((listed) => isWithin(directory, listed));
    return {
      isLiveMountPoint: false,
      isMountPoint: false,
      listing: isListed ? "beneath" : undefined,
      isParent: false,
      isShadowed: this.#mountPoints.some((point) => isWithin(directory, point)),
    };
  }

  #isInDirectory(path: Uint8Array, slash: number): boolean {
    const directory = this.#directory;
    if (this.#directoryText === "" || directory.length !== slash) return false;
    for (let i = slash - 1; i >= 0; i--) if (path[i] !== directory[i]) return false;
    return true;
  }

  #name(path: string): void {
    const names = this.#named.get(dirname(path)) ?? new Set();
    this.#named.set(dirname(path), names.add(basename(path)));
  }
}

function ancestorsOf(paths: readonly string[]): Set<string> {
  const ancestors = new Set<string>();
  for (const path of paths) {
    for (let above = dirname(path); above !== "/"; above = dirname(above)) ancestors.add(above);
  }
  return ancestors;
}
