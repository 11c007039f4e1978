/**
 * Which parts of the tree a walk is limited to: the paths that were asked for.
 *
 * A path is taken by its names alone. ".." is refused rather than resolved:
 * beyond a symlink it means one thing to the shell and another to the kernel.
 * A path within another one adds nothing, so each entry is met once.
 */

import { UsageFault } from "../fault.ts";
import { latin1 } from "../latin1.ts";
import { visible } from "../text.ts";

const SLASH = 0x2f;

/** Everything below here, or the names below here that lead on. */
export type Scope = "whole" | ScopeNode;

export class ScopeNode {
  readonly #inner = new Map<string, Scope>();

  /** The scope below a name; undefined where nothing of it is wanted. */
  below(name: Uint8Array): Scope | undefined {
    return this.#inner.get(key(name));
  }

  /** Adds a path; true where that makes all of this wanted. */
  add(names: readonly Uint8Array[]): boolean {
    const [name, ...rest] = names;
    if (name === undefined) return true;
    const inner = this.#inner.get(key(name)) ?? new ScopeNode();
    if (inner === "whole") return false;
    this.#inner.set(key(name), inner.add(rest) ? "whole" : inner);
    return false;
  }
}

/** The scope of a set of paths; everything where there is none. */
export function scopeOf(paths: ReadonlyArray<readonly Uint8Array[]> | undefined): Scope {
  if (paths === undefined) return "whole";
  const top = new ScopeNode();
  return paths.map((names) => top.add(names)).includes(true) ? "whole" : top;
}

/** The names of an absolute path. */
export function splitPath(path: Uint8Array): Uint8Array[] {
  if (path[0] !== SLASH) {
    throw new UsageFault(`Cannot compare ${visible(path)}: expected an absolute path`);
  }
  const names: Uint8Array[] = [];
  for (let start = 0; start < path.length; ) {
    const slash = path.indexOf(SLASH, start);
    const end = slash < 0 ? path.length : slash;
    if (end > start) names.push(path.subarray(start, end));
    start = end + 1;
  }
  if (names.some((name) => key(name) === "..")) {
    throw new UsageFault(`Cannot compare ${visible(path)}: expected a path without ".."`);
  }
  return names.filter((name) => key(name) !== ".");
}

function key(name: Uint8Array): string {
  return latin1(name);
}
