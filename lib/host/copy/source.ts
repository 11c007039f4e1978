/** What a copy is taken from: a snapshot where that can be, else the root as it is. */
import { Fault, Interruption } from "../../fault.ts";
import type { Roots } from "../roots.ts";
import { isBtrfs } from "../statfs.ts";
import { freeze } from "./snapshot.ts";
import { SourceTrees } from "./trees.ts";

export interface CopySource extends Disposable {
  readonly trees: SourceTrees;
  /** Why it is not frozen; undefined where it is. */
  readonly liveFor: string | undefined;
}

/** The root as it is. @param reason why */
export function liveSource({ root }: Pick<Roots, "root">, reason: string): CopySource {
  return {
    trees: SourceTrees.live(root),
    liveFor: reason,
    [Symbol.dispose]: () => undefined,
  };
}

/** @param paths what is to be copied */
export function frozenSource(
  roots: Pick<Roots, "root" | "device">,
  paths: readonly Uint8Array[],
): CopySource {
  if (!isBtrfs(`/proc/self/fd/${roots.root}`)) return liveSource(roots, "the root is not on btrfs");
  try {
    const frozen = freeze(roots.root, roots.device, paths);
    return {
      trees: frozen.trees,
      liveFor: undefined,
      [Symbol.dispose]: () => frozen[Symbol.dispose](),
    };
  } catch (error) {
    if (!(error instanceof Fault) || error instanceof Interruption) throw error;
    return liveSource(roots, error.message);
  }
}
