/**
 * Looks at what is to be copied: every path of the root that was named, what lies
 * below it and leads to it, and what the persist root has in its place.
 */

import { constants } from "node:fs";
import { Refusal } from "../../fault.ts";
import { latin1 } from "../../latin1.ts";
import type { CopyState, SourceEntry } from "../../plans/copy.ts";
import { visible } from "../../text.ts";
import { type Handle, linkTextOf, lookAt, namesIn, openBeneath, statusOf } from "../at.ts";
import { compareHandles } from "../compare.ts";

export interface Sides {
  /** Descriptors of the root subvolume and of the persist root. */
  readonly root: number;
  readonly persist: number;
  /** The path of the persist root, where nothing of the root is looked for. */
  readonly persistPath: Uint8Array;
}

const SLASH = 0x2f;

/**
 * @param paths absolute, normal
 * @returns parents before children, no path twice
 * @throws Refusal listing the paths that are not in the root
 */
export function lookAtSources(sides: Sides, paths: readonly Uint8Array[]): SourceEntry[] {
  const missing = paths.filter((path) => !isThere(sides.root, path));
  if (missing.length > 0) throw refusal(missing);
  const walk = new Walk(sides);
  for (const path of paths) walk.add(path);
  return walk.entries();
}

/** Whether the path is there, through no symbolic link. */
export function isThere(top: number, path: Uint8Array): boolean {
  using handle = lookAt(top, path);
  return handle !== undefined;
}

class Walk {
  readonly #sides: Sides;
  /** By path as latin1. A path that was only led through becomes named when it is. */
  readonly #entries = new Map<string, SourceEntry>();

  constructor(sides: Sides) {
    this.#sides = sides;
  }

  add(path: Uint8Array): void {
    for (const parent of parentsOf(path)) this.#look(parent, "parent");
    const waiting = [path];
    for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
      if (Buffer.from(next).equals(this.#sides.persistPath)) continue;
      const entry = this.#look(next, "named");
      if (entry?.status.type === "directory") waiting.push(...this.#childrenOf(next));
    }
  }

  entries(): SourceEntry[] {
    const byPath = ([a]: [string, SourceEntry], [b]: [string, SourceEntry]) => (a < b ? -1 : 1);
    return [...this.#entries].sort(byPath).map(([, entry]) => entry);
  }

  #look(path: Uint8Array, role: SourceEntry["role"]): SourceEntry | undefined {
    const key = latin1(path);
    const known = this.#entries.get(key);
    if (known !== undefined && (known.role === "named" || role === "parent")) return undefined;
    using handle = lookAt(this.#sides.root, path);
    // Gone since its directory was read.
    if (handle === undefined) return undefined;
    const status = statusOf(handle.fd);
    const linkText = status.type === "symlink" ? linkTextOf(handle) : undefined;
    const copy = copyState(this.#sides.persist, path, handle);
    const entry = { path, status, role, linkText, copy };
    this.#entries.set(key, entry);
    return entry;
  }

  #childrenOf(path: Uint8Array): Uint8Array[] {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOATIME;
    using directory = openBeneath(this.#sides.root, path, flags);
    return namesIn(directory, path).map((name) =>
      Buffer.concat([path, Buffer.from([SLASH]), name]),
    );
  }
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

function refusal(missing: readonly Uint8Array[]): Refusal {
  const lines = missing.map((path) => `\n    ${visible(path)}`).join("");
  return new Refusal(`Cannot copy what the root doesn't have:${lines}`, {
    hint: "Nothing was copied. Paths are looked for in the root subvolume, beneath all mounts and through no symbolic link",
  });
}
