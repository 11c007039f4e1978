/**
 * What is known of a path by where it lies: mount points, the profile's lists,
 * and what lies above or beneath them.
 *
 * A walk brings the entries of a directory together, so what holds for all of
 * them is worked out once for the directory. Paths are bytes as latin1.
 */
import { dirname } from "node:path/posix";
import { isWithin } from "../profile/paths.ts";

export interface PlaceLists {
  /** Mounted on the root now. */
  readonly live: readonly string[];
  /** Where a boot mounts subvolumes and the ESP. */
  readonly atBoot: readonly string[];
  readonly directories: readonly string[];
  readonly files: readonly string[];
}

/** How a path stands to the lists: an entry itself, beneath a listed directory, or neither. */
export type Listing = "entry" | "beneath" | undefined;

export class Places {
  readonly #live: ReadonlySet<string>;
  readonly #atBoot: ReadonlySet<string>;
  readonly #mountPoints: readonly string[];
  readonly #directories: readonly string[];
  readonly #entries: ReadonlySet<string>;
  readonly #parents: ReadonlySet<string>;
  #directory = "";
  #isShadowed = false;
  #isListed = false;

  constructor({ live, atBoot, directories, files }: PlaceLists) {
    this.#live = new Set(live);
    this.#atBoot = new Set(atBoot);
    this.#mountPoints = [...live, ...atBoot];
    this.#directories = directories;
    this.#entries = new Set([...directories, ...files]);
    this.#parents = ancestorsOf([...this.#mountPoints, ...this.#entries]);
  }

  isLiveMountPoint(path: string): boolean {
    return this.#live.has(path);
  }

  isMountPoint(path: string): boolean {
    return this.#live.has(path) || this.#atBoot.has(path);
  }

  /** Whether a mount point lies above: the path can't be seen while that is mounted. */
  isShadowed(path: string): boolean {
    this.#enter(dirname(path));
    return this.#isShadowed;
  }

  listing(path: string): Listing {
    if (this.#entries.has(path)) return "entry";
    this.#enter(dirname(path));
    return this.#isListed ? "beneath" : undefined;
  }

  /** Whether a mount point or a listed path lies beneath: a boot makes this directory again. */
  isParent(path: string): boolean {
    return this.#parents.has(path);
  }

  #enter(directory: string): void {
    if (directory === this.#directory) return;
    this.#directory = directory;
    this.#isShadowed = this.#mountPoints.some((point) => isWithin(directory, point));
    this.#isListed = this.#directories.some((listed) => isWithin(directory, listed));
  }
}

function ancestorsOf(paths: readonly string[]): Set<string> {
  const ancestors = new Set<string>();
  for (const path of paths) {
    for (let above = dirname(path); above !== "/"; above = dirname(above)) ancestors.add(above);
  }
  return ancestors;
}
