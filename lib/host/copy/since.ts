/**
 * What became of the originals once a snapshot was taken of them: all of it is told,
 * for none of it is in the copy.
 *
 * Whatever was looked at is looked at once more where it lives, equal or copied. What
 * came has no status of before: it is found by listing a directory again, which is done
 * where that is not as it was. A new directory stands for all that is in it.
 */
import { STAGE_NAME } from "../../copy/leftover.ts";
import { type InodeStatus, isUnchanged } from "../../inode-status.ts";
import { latin1 } from "../../latin1.ts";
import type { CopyPlan, Skipped, SourceEntry } from "../../plans/copy.ts";
import { lookAt, namesIn, READ_DIRECTORY, reopen } from "../at.ts";
import { statusAt, statusOf } from "../inode-status.ts";
import { lentName } from "../libc.ts";
import { subvolumeInfo } from "../snapshots.ts";
import { LeftOut, orLeaveOut } from "./left-out.ts";
import { SourceDirectories } from "./source-directories.ts";
import type { SourceTree, SourceTrees } from "./trees.ts";

/** Empty for what was copied live. */
export function writtenSince(
  entries: readonly SourceEntry[],
  { skipped }: Pick<CopyPlan, "skipped">,
  trees: SourceTrees,
): Skipped[] {
  const touched = new Map<SourceTree, boolean>();
  const isTouched = ({ path }: SourceEntry) => {
    const { tree } = trees.find(path);
    if (!touched.has(tree)) touched.set(tree, wasTouched(tree));
    return touched.get(tree)!;
  };
  const named = entries.filter((entry) => entry.role === "named" && isTouched(entry));
  if (named.length === 0) return [];
  const idle = new Set(skipped.map(({ path }) => latin1(path)));
  using live = new LiveOriginals(trees);
  return named.flatMap((entry) => (idle.has(latin1(entry.path)) ? [] : live.changesOf(entry)));
}

function wasTouched(tree: SourceTree): boolean {
  if (!tree.isFrozen) return false;
  return subvolumeInfo(tree.live).changed !== subvolumeInfo(tree.fd).changed;
}

class LiveOriginals implements Disposable {
  readonly #trees: SourceTrees;
  readonly #before: SourceDirectories;
  readonly #live: SourceDirectories;

  constructor(trees: SourceTrees) {
    this.#trees = trees;
    this.#before = new SourceDirectories(trees);
    this.#live = new SourceDirectories(trees.asLive());
  }

  [Symbol.dispose](): void {
    this.#before[Symbol.dispose]();
    this.#live[Symbol.dispose]();
  }

  /** What the disk doesn't give now is told too: it is not known to be as it was. */
  changesOf(entry: SourceEntry): Skipped[] {
    try {
      return orLeaveOut(() => this.#changesOf(entry), "it can't be looked at");
    } catch (error) {
      if (!(error instanceof LeftOut)) throw error;
      return [{ path: entry.path, reason: error.reason }];
    }
  }

  #changesOf({ path, status }: SourceEntry): Skipped[] {
    const now = statusIn(this.#live, path);
    if (now === undefined) return [{ path, reason: "gone" }];
    const { device } = statusOf(this.#trees.find(path).tree.live);
    const isSame = now.inode === status.inode && now.device === device;
    if (!isSame) return [{ path, reason: "replaced" }];
    if (isUnchanged(status, { ...now, device: status.device })) return [];
    if (status.type !== "directory") return [{ path, reason: "written to" }];
    return [...changeOfDirectory(path, status, now), ...this.#newIn(path)];
  }

  #newIn(path: Uint8Array): Skipped[] {
    const paths = whereThere(() => {
      const { directory, name } = this.#live.spotOf(path);
      using found = lookAt(directory, name);
      if (found === undefined || statusOf(found.fd).type !== "directory") return undefined;
      using listed = reopen(found, READ_DIRECTORY, path);
      const names = namesIn(listed, path).filter((each) => latin1(each) !== STAGE_NAME);
      return names.map((each) => Buffer.concat([path, Buffer.from("/"), each]));
    });
    const fresh = (paths ?? []).filter((each) => statusIn(this.#before, each) === undefined);
    return fresh.sort(Buffer.compare).map((each) => ({ path: each, reason: "new" }));
  }
}

/** Of the directory itself: what came and went in it is told by name. */
function changeOfDirectory(path: Uint8Array, before: InodeStatus, now: InodeStatus): Skipped[] {
  const isSame = before.mode === now.mode && before.uid === now.uid && before.gid === now.gid;
  // A name that came or went changes the time of both kinds.
  const hasNames = before.mtimeNs !== now.mtimeNs || before.sizeBytes !== now.sizeBytes;
  return isSame && hasNames ? [] : [{ path, reason: "changed" }];
}

function statusIn(directories: SourceDirectories, path: Uint8Array): InodeStatus | undefined {
  return whereThere(() => {
    const { directory, name } = directories.spotOf(path);
    return statusAt(directory, lentName(name));
  });
}

function whereThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    // One with a cause is there, and not to be had.
    if (error instanceof LeftOut && error.cause === undefined) return undefined;
    throw error;
  }
}
