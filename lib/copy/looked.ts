/**
 * What a look has found, by path: what can be copied, and what the disk doesn't give.
 *
 * A directory that can't be listed is not copied, lest an empty copy be taken for all of
 * it; unless what lies in it was named by itself: then it leads there.
 */
import { latin1 } from "../latin1.ts";
import type { Skipped, SourceEntry } from "../plans/copy.ts";

/** What stands at a path. */
export type Found = SourceEntry["status"]["type"] | "unreadable";

export class LookedPaths {
  /** By path as latin1. A path that was only led through becomes named when it is. */
  readonly #entries = new Map<string, SourceEntry>();
  readonly #unreadable = new Map<string, Skipped>();

  get(key: string): SourceEntry | undefined {
    return this.#entries.get(key);
  }

  add(key: string, entry: SourceEntry): void {
    this.#entries.set(key, entry);
  }

  /** Notes why there can be no copy of a path, whether or not it was added. */
  leaveOut(path: Uint8Array, reason: string): void {
    const key = latin1(path);
    this.#unreadable.set(key, { path, reason });
    const entry = this.#entries.get(key);
    if (entry !== undefined) this.#entries.set(key, { ...entry, role: "parent" });
  }

  /** Undefined where it is still to be looked at. */
  known(key: string, role: SourceEntry["role"]): Found | undefined {
    if (this.#unreadable.has(key)) return "unreadable";
    const known = this.#entries.get(key);
    return known?.role === "named" || role === "parent" ? known?.status.type : undefined;
  }

  /** Parents before children, all of a directory in one run. */
  entries(): SourceEntry[] {
    // "/" before all else that a name can hold: then what is in a directory follows it at once.
    const keyed = Array.from(this.#entries, ([path, entry]) => {
      return { key: path.replaceAll("/", "\0"), path, entry };
    });
    const sorted = keyed.sort((a, b) => (a.key < b.key ? -1 : 1));
    if (this.#unreadable.size === 0) return sorted.map(({ entry }) => entry);
    const kept: SourceEntry[] = [];
    let next = "";
    for (const { key, path, entry } of sorted.reverse()) {
      if (this.#unreadable.has(path) && !next.startsWith(`${key}\0`)) continue;
      next = key;
      kept.push(entry);
    }
    return kept.reverse();
  }

  unreadable(): Skipped[] {
    return [...this.#unreadable.values()].sort((a, b) => Buffer.compare(a.path, b.path));
  }
}
