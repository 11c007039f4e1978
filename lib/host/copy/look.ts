/**
 * Looks at what is to be copied: every path of the root that was named, what lies
 * below it and leads to it, and what the persist root has in its place.
 */

import { constants } from "node:fs";
import { type Leftover, STAGE_NAME } from "../../copy/leftover.ts";
import { Failure, Refusal } from "../../fault.ts";
import { type InodeStatus, isSameInode } from "../../inode-status.ts";
import { latin1 } from "../../latin1.ts";
import type { CopyState, SourceEntry } from "../../plans/copy.ts";
import { isWithin } from "../../profile/paths.ts";
import { visible } from "../../text.ts";
import { type Handle, linkTextOf, lookAt, namesIn, reopen, statusOf } from "../at.ts";
import { compareHandles } from "../compare.ts";
import { isStage } from "./stage.ts";

export interface Sides {
  /** Descriptors of the root subvolume and of the persist root. */
  readonly root: number;
  readonly persist: number;
  /** The path of the persist root, where nothing of the root is looked for. */
  readonly persistPath: Uint8Array;
}

const SLASH = 0x2f;
const LEFTOVER = Buffer.from(STAGE_NAME);
const PATHS_SHOWN = 20;

export interface Looked {
  /** Parents before children, no path twice. */
  readonly entries: readonly SourceEntry[];
  readonly leftovers: readonly Leftover[];
}

/**
 * @param paths absolute, normal
 * @param onLook is called for each path that is looked at
 * @throws Refusal listing the paths that are not in the root, or in the persist root;
 *   Failure where one can't be read
 */
export function lookAtSources(
  sides: Sides,
  paths: readonly Uint8Array[],
  onLook: () => void,
): Looked {
  const persistPath = latin1(sides.persistPath);
  const inside = paths.filter((path) => isWithin(latin1(path), persistPath));
  if (inside.length > 0) throw alreadyThere(inside);
  const missing = paths.filter((path) => !isThere(sides.root, path));
  if (missing.length > 0) throw notThere(missing);
  try {
    const walk = new Walk(sides, onLook);
    for (const path of paths) walk.add(path);
    return { entries: walk.entries(), leftovers: walk.leftovers };
  } catch (cause) {
    if (!(cause instanceof Failure)) throw cause;
    throw new Failure(cause.message, { hint: "Nothing was copied", cause });
  }
}

/** Whether the path is there, through no symbolic link. */
export function isThere(top: number, path: Uint8Array): boolean {
  using handle = lookAt(top, path);
  return handle !== undefined;
}

class Walk {
  readonly #sides: Sides;
  readonly #onLook: () => void;
  /** By path as latin1. A path that was only led through becomes named when it is. */
  readonly #entries = new Map<string, SourceEntry>();
  readonly #persistRoot: InodeStatus;
  readonly leftovers: Leftover[] = [];

  constructor(sides: Sides, onLook: () => void) {
    this.#sides = sides;
    this.#onLook = onLook;
    this.#persistRoot = statusOf(sides.persist);
    this.#lookForLeftover(new Uint8Array());
  }

  add(path: Uint8Array): void {
    for (const parent of parentsOf(path)) this.#look(parent, "parent");
    const waiting = [path];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      const entry = this.#look(next, "named");
      if (entry?.status.type !== "directory") continue;
      for (const child of this.#childrenOf(next)) waiting.push(child);
    }
  }

  entries(): SourceEntry[] {
    const byPath = ([a]: [string, SourceEntry], [b]: [string, SourceEntry]) => (a < b ? -1 : 1);
    return [...this.#entries].sort(byPath).map(([, entry]) => entry);
  }

  /** Undefined for what was looked at before, and for the persist root itself. */
  #look(path: Uint8Array, role: SourceEntry["role"]): SourceEntry | undefined {
    const key = latin1(path);
    const known = this.#entries.get(key);
    if (known !== undefined && (known.role === "named" || role === "parent")) return undefined;
    using handle = lookAt(this.#sides.root, path);
    // Gone since its directory was read.
    if (handle === undefined) return undefined;
    const status = statusOf(handle.fd);
    if (isSameInode(status, this.#persistRoot)) {
      if (role === "parent") throw alreadyThere([path]);
      return undefined;
    }
    this.#onLook();
    const linkText = status.type === "symlink" ? linkTextOf(handle) : undefined;
    const copy = copyState(this.#sides.persist, path, handle);
    const entry = { path, status, role, linkText, copy };
    this.#entries.set(key, entry);
    if (known === undefined && copy?.status.type === "directory") this.#lookForLeftover(path);
    return entry;
  }

  #lookForLeftover(directory: Uint8Array): void {
    const path = join(directory, LEFTOVER);
    using handle = lookAt(this.#sides.persist, path);
    if (handle === undefined) return;
    const status = statusOf(handle.fd);
    if (isStage(status)) this.leftovers.push({ path, status });
  }

  #childrenOf(path: Uint8Array): Uint8Array[] {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOATIME;
    using handle = lookAt(this.#sides.root, path);
    // Gone since it was looked at, or replaced by what has no names.
    if (handle === undefined || statusOf(handle.fd).type !== "directory") return [];
    using directory = reopen(handle, flags, path);
    return namesIn(directory, path).map((name) => join(path, name));
  }
}

function join(directory: Uint8Array, name: Uint8Array): Uint8Array {
  return Buffer.concat([directory, Buffer.from([SLASH]), name]);
}

function copyState(persist: number, path: Uint8Array, original: Handle): CopyState | undefined {
  using copy = lookAt(persist, path);
  if (copy === undefined) return undefined;
  return { status: statusOf(copy.fd), differences: compareHandles(original, copy, path) };
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
