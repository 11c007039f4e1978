/**
 * Looks at what is to be copied: every path of the root that was named, what lies
 * below it and leads to it, and what the persist root has in its place.
 */

import { type Leftover, STAGE_NAME } from "../../copy/leftover.ts";
import { type Found, LookedPaths } from "../../copy/looked.ts";
import { Failure, Refusal } from "../../fault.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { latin1 } from "../../latin1.ts";
import type { CopyState, Skipped, SourceEntry } from "../../plans/copy.ts";
import { isWithin } from "../../profile/paths.ts";
import { visible } from "../../text.ts";
import { type Handle, lookAt } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import { Directory, openDirectory } from "./directory.ts";
import { LeftOut, orLeaveOut, reasonOfDisk } from "./left-out.ts";
import { Listings } from "./listings.ts";
import { Pauses } from "./pauses.ts";
import { linkTextAt, stateOf, statusNamed } from "./spots.ts";
import { isStage } from "./stage.ts";
import type { SourceTrees } from "./trees.ts";

export interface Sides {
  readonly trees: SourceTrees;
  /** Descriptor of the persist root. */
  readonly persist: number;
  /** The path of the persist root, where nothing of the root is looked for. */
  readonly persistPath: Uint8Array;
}

const SLASH = 0x2f;
const LEFTOVER = Buffer.from(STAGE_NAME);
const PATHS_SHOWN = 20;
const NO_LOOK = "it can't be looked at";
const NO_LOOK_AT_COPY = "its copy can't be looked at";
/** The place of a nested subvolume in a snapshot: BTRFS_EMPTY_SUBVOL_DIR_OBJECTID. */
const NESTED_INODE = 2n;

export interface Looked {
  /** Parents before children, all of a directory in one run, no path twice. */
  readonly entries: readonly SourceEntry[];
  readonly leftovers: readonly Leftover[];
  /** Under the same name, and by no run. */
  readonly obstacles: readonly Uint8Array[];
  /** What the disk doesn't give, and what lies below it. */
  readonly unreadable: readonly Skipped[];
}

/**
 * @param paths absolute, normal
 * @param onLook is called for each path that is looked at
 * @throws Refusal listing the paths that are not in the root, or in the persist root;
 *   Failure where one can't be read; Interruption
 */
export async function lookAtSources(
  sides: Sides,
  paths: readonly Uint8Array[],
  onLook: () => void,
): Promise<Looked> {
  const persistPath = latin1(sides.persistPath);
  const inside = paths.filter((path) => isWithin(latin1(path), persistPath));
  if (inside.length > 0) throw alreadyThere(inside);
  try {
    const walk = new Walk(sides, onLook);
    for (const path of paths) await walk.add(path);
    if (walk.missing.length > 0) throw notThere(walk.missing);
    const { looked, leftovers, obstacles } = walk;
    const entries = looked.entries();
    return { entries, leftovers, obstacles, unreadable: looked.unreadable() };
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    throw new Failure(cause.message, { hint: "Nothing was copied", cause });
  }
}

/** Whether the path is there, through no symbolic link; so is what the disk doesn't give. */
export function isThere(top: number, path: Uint8Array): boolean {
  try {
    using handle = lookAt(top, path);
    return handle !== undefined;
  } catch (error) {
    if (reasonOfDisk(error, NO_LOOK) === undefined) throw error;
    return true;
  }
}

/** Where an inode was found: a name in a directory of the root. */
interface Spotted {
  readonly directory: Directory;
  readonly name: Uint8Array;
  readonly path: Uint8Array;
  /** The same directory of the persist root; undefined where it has none. */
  readonly copies: number | undefined;
  /** Where it is known. */
  readonly status?: InodeStatus | undefined;
}

/** In the persist root nothing is looked for. */
type Noted = Found | "persist root";

class Walk {
  readonly #sides: Sides;
  readonly #onLook: () => void;
  readonly #persistRoot: InodeStatus;
  readonly #pauses = new Pauses();
  readonly #listings: Listings;
  readonly looked = new LookedPaths();
  readonly leftovers: Leftover[] = [];
  readonly obstacles: Uint8Array[] = [];
  readonly missing: Uint8Array[] = [];

  constructor(sides: Sides, onLook: () => void) {
    this.#sides = sides;
    this.#listings = new Listings(sides.trees);
    this.#onLook = onLook;
    this.#persistRoot = statusOf(sides.persist);
    this.#lookForLeftover(new Uint8Array());
  }

  async add(path: Uint8Array): Promise<void> {
    const above = parentsOf(path).map((parent) => this.#lookByPath(parent, "parent"));
    const noted = this.#lookByPath(path, "named");
    if (noted === undefined) {
      // Whether it is there can't be told.
      const isHidden = above.includes("unreadable");
      if (isHidden) this.looked.leaveOut(path, "its directory can't be looked at");
      else this.missing.push(path);
      return;
    }
    const waiting = noted === "directory" ? [path] : [];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const below = await this.#lookInto(next);
      // In the order of their names, for what was made in turn lies close to each other.
      for (const each of below.reverse()) waiting.push(each);
    }
  }

  /** Notes what is there, or that it can't be told. @returns undefined where nothing is */
  #lookByPath(path: Uint8Array, role: SourceEntry["role"]): Noted | undefined {
    return this.#whereReadable(path, NO_LOOK, () => this.#lookThrough(path, role));
  }

  #lookThrough(path: Uint8Array, role: SourceEntry["role"]): Noted | undefined {
    const known = this.looked.known(latin1(path), role);
    if (known !== undefined) return known;
    const slash = path.lastIndexOf(SLASH);
    const parent = path.subarray(0, slash);
    using directory = this.#source(parent);
    if (directory.handle === undefined) return undefined;
    using copies = this.#openCopies(parent);
    const name = path.subarray(slash + 1);
    return this.#look({ directory, name, path, copies: copies?.fd }, role);
  }

  /** Notes what is there, unless it was before. @returns undefined where nothing is */
  #look(spotted: Spotted, role: SourceEntry["role"]): Noted | undefined {
    const { directory, name, path } = spotted;
    const key = latin1(path);
    const known = this.looked.known(key, role);
    if (known !== undefined) return known;
    const status = spotted.status ?? this.#statusAt(directory.fd, name, path);
    if (status === undefined) return undefined;
    if (this.#isPersistRoot(status, path)) {
      if (role === "parent") throw alreadyThere([path]);
      return "persist root";
    }
    this.#onLook();
    const linkText = status.type === "symlink" ? linkTextAt(directory.fd, name) : undefined;
    const copy = this.#copyState(spotted);
    const isNew = this.looked.get(key) === undefined;
    this.looked.add(key, { path, status, role, linkText, copy });
    if (isNew && copy?.status.type === "directory") {
      orLeaveOut(() => this.#lookForLeftover(path), NO_LOOK_AT_COPY);
    }
    return status.type;
  }

  /** Of the top of a nested subvolume where a snapshot has nothing but its place. */
  #statusAt(directory: number, name: Uint8Array, path: Uint8Array): InodeStatus | undefined {
    if (name.length > 255) return undefined;
    const status = statusNamed(directory, name, path);
    const { trees } = this.#sides;
    const isPlace = status?.type === "directory" && status.inode === NESTED_INODE;
    if (!isPlace || !trees.find(path).tree.isFrozen || !trees.enter(path)) return status;
    return statusOf(trees.find(path).tree.fd);
  }

  #isPersistRoot(status: InodeStatus, path: Uint8Array): boolean {
    if (status.inode !== this.#persistRoot.inode) return false;
    const { trees } = this.#sides;
    return trees.isLive(trees.find(path).tree, status.inode, this.#persistRoot);
  }

  #copyState({ directory, name, path, copies }: Spotted): CopyState | undefined {
    if (copies === undefined) return undefined;
    using copy = orLeaveOut(() => lookAt(copies, name), NO_LOOK_AT_COPY);
    if (copy === undefined) return undefined;
    const { tree, rest } = this.#sides.trees.find(path);
    using original = rest.length === 0 ? lookAt(tree.fd, rest) : lookAt(directory.fd, name);
    // Gone since it was looked at: the copy will be refused or left out for that.
    if (original === undefined) return { status: statusOf(copy.fd), differences: ["type"] };
    return stateOf(original, copy, path);
  }

  #lookForLeftover(directory: Uint8Array): void {
    const path = join(directory, LEFTOVER);
    using handle = lookAt(this.#sides.persist, path);
    if (handle === undefined) return;
    if (isStage(handle, path)) this.leftovers.push({ path, status: statusOf(handle.fd) });
    else this.obstacles.push(path);
  }

  /** Looks at all names of a directory. @returns those that are directories */
  async #lookInto(path: Uint8Array): Promise<Uint8Array[]> {
    const { status: seen, copy } = this.looked.get(latin1(path))!;
    using directory = this.#source(path);
    const listed = this.#whereReadable(path, "it can't be listed", () => ({
      names: this.#listings.of(path, seen.inode, () => directory.handle),
      copies: copy === undefined ? undefined : this.#openCopies(path),
    }));
    if (listed === "unreadable") return [];
    using copies = listed.copies;
    const directories: Uint8Array[] = [];
    for (const { name, status } of listed.names) {
      if (this.#pauses.isDue()) await this.#pauses.pause();
      const child = join(path, name);
      const spotted = { directory, name, path: child, copies: copies?.fd, status };
      const look = () => this.#look(spotted, "named");
      if (this.#whereReadable(child, NO_LOOK, look) === "directory") directories.push(child);
    }
    return directories;
  }

  /** Notes what the disk doesn't give, which then is no part of what is copied. */
  #whereReadable<T>(path: Uint8Array, what: string, look: () => T): T | "unreadable" {
    try {
      return look();
    } catch (error) {
      const reason = error instanceof LeftOut ? error.reason : reasonOfDisk(error, what);
      if (reason === undefined) throw error;
      this.looked.leaveOut(path, reason);
      return "unreadable";
    }
  }

  #source(path: Uint8Array): Directory {
    return new Directory(this.#sides.trees.find(path), path);
  }

  #openCopies(path: Uint8Array): Handle | undefined {
    return orLeaveOut(() => openDirectory(this.#sides.persist, path, path), NO_LOOK_AT_COPY);
  }
}

function join(directory: Uint8Array, name: Uint8Array): Uint8Array {
  const path = new Uint8Array(directory.length + 1 + name.length);
  path.set(directory);
  path[directory.length] = SLASH;
  path.set(name, directory.length + 1);
  return path;
}

/** "/a" and "/a/b" of "/a/b/c". */
function parentsOf(path: Uint8Array): Uint8Array[] {
  const parents: Uint8Array[] = [];
  for (let at = path.indexOf(SLASH, 1); at !== -1; at = path.indexOf(SLASH, at + 1)) {
    parents.push(path.subarray(0, at));
  }
  return parents;
}

function notThere(missing: readonly Uint8Array[]): Refusal {
  return new Refusal(`Cannot copy what the root doesn't have:${linesOf(missing)}`, {
    hint: "Nothing was copied. Paths are looked for in the root subvolume, beneath all mounts and through no symbolic link",
  });
}

function alreadyThere(paths: readonly Uint8Array[]): Refusal {
  return new Refusal(`Cannot copy what lies in the persist root itself:${linesOf(paths)}`, {
    hint: "Nothing was copied. Name the place that it is to have on the root",
  });
}

function linesOf(paths: readonly Uint8Array[]): string {
  const shown = paths.slice(0, PATHS_SHOWN).map((path) => `\n    ${visible(path)}`);
  const more = paths.length - shown.length;
  return shown.join("") + (more > 0 ? `\n    and ${more} more` : "");
}
