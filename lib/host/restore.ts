/** Paths of an old root, looked at by persist-copy's own means. */
import type { Destination } from "../copy/destinations.ts";
import { Refusal } from "../fault.ts";
import { latin1 } from "../latin1.ts";
import type { CopyPlan } from "../plans/copy.ts";
import { planRestore } from "../plans/restore.ts";
import { visible } from "../text.ts";
import { isThere, lookAtSources } from "./copy/look.ts";
import { SourceTrees } from "./copy/trees.ts";
import { statusThrough } from "./inode-status.ts";
import { Progress } from "./progress.ts";
import type { Roots } from "./roots.ts";

/** One of the places that paths go back to. */
export interface Target {
  readonly to: Destination;
  /** Open: the top of the root, or the persist root. */
  readonly fd: number;
  /** "the live root", or the path of the persist root. */
  readonly name: string;
  readonly paths: readonly Uint8Array[];
}

export interface Source {
  /** Open: the top of the old root. */
  readonly fd: number;
  /** Such as old_roots/NAME. */
  readonly name: string;
}

/** @throws Refusal listing the paths that the old root doesn't have */
export function refuseMissing({ fd, name }: Source, paths: readonly Uint8Array[]): void {
  const missing = paths.filter((path) => !isThere(fd, path));
  if (missing.length === 0) return;
  const lines = missing.map((path) => `\n    ${visible(path)}`);
  throw new Refusal(`Cannot restore what ${visible(name)} doesn't have:${lines.join("")}`, {
    hint: "Nothing was copied. old-roots find looks for a path in all of them",
  });
}

/** @throws Refusal listing all conflicts, Failure where something can't be read */
export async function lookAndPlan(
  source: Source,
  target: Target,
  roots: Pick<Roots, "live" | "mountPoints">,
  {
    persistPath,
    update,
    showsProgress,
  }: { persistPath: string; update: boolean; showsProgress: boolean },
): Promise<CopyPlan> {
  using progress = new Progress("paths looked at", showsProgress);
  const sides = {
    trees: SourceTrees.live(source.fd),
    persist: target.fd,
    persistPath: new TextEncoder().encode(persistPath),
  };
  const looked = await lookAtSources(sides, target.paths, () => progress.step());
  const facts = {
    ...looked,
    live: new Set(roots.live.map(latin1)),
    liveFiles: new Set(roots.live.filter(isFile).map(latin1)),
    mountPoints: new Set(roots.mountPoints.map(latin1)),
    names: { from: source.name, to: target.name },
  };
  return planRestore(target.to, facts, update);
}

/** A mount point of the running system: no server is asked, which may be gone. */
function isFile(path: Uint8Array): boolean {
  const seen = statusThrough(path);
  return seen !== undefined && seen.type !== "directory";
}
