/**
 * What the next boot will do and take, from the comparison and a look at the
 * disk. Nothing is decided here that lib/boot/rollback.sh doesn't decide in the
 * same way: without a read-only blank snapshot, or with something strange where it
 * would put its own, it leaves the root as it is, and so it does with a root that
 * nothing was written to.
 */
import type { LossGroup } from "../losses/losses.ts";
import { keepsNone, rootsToPrune } from "../old-roots.ts";
import type { Profile } from "../profile.ts";
import type { Count, DirectoryLoss, Tally } from "../tally.ts";
import { type PreviewStep, previewSteps } from "./preview-steps.ts";
import { previewWarnings, type Warning } from "./preview-warnings.ts";

export interface PreviewFacts {
  /** The node of the file system. */
  readonly device: string;
  /** Undefined: there is none. */
  readonly blank: { readonly readOnly: boolean; readonly empty: boolean } | undefined;
  /** The kernel's command line keeps the root: of this boot, and as the system has it for each to come. */
  readonly keptNow: boolean;
  readonly keptNext: boolean;
  /** The root is a snapshot of the blank one, and as it was taken. */
  readonly isUnused: boolean;
  /** Something has the name that the successor of the root gets; it is no snapshot of the blank one. */
  readonly hasNext: boolean;
  readonly strangeNext: boolean;
  readonly hasOldRoots: boolean;
  /** What has the name of the directory of old roots is none. */
  readonly strangeOldRoots: boolean;
  /** Names of the subvolumes in the directory of old roots, bytes as latin1. */
  readonly oldRoots: readonly string[];
  readonly hasPersistRoot: boolean;
  /** Listed paths of which the persist root holds nothing. */
  readonly withoutCopy: readonly string[];
  /** Users whose password file isn't there. */
  readonly withoutPassword: ReadonlyArray<{ readonly user: string; readonly file: string }>;
  readonly sizeBytes: number;
  readonly freeBytes: number;
  readonly now: Date;
}

/** "none": nothing was written to the root, and it stays. "kept": it stays, as was asked for. */
export type Swap = "done" | "none" | "kept" | "impossible";

/** Of what is shared, only what no subvolume that stays refers to. */
export interface FreedSpace {
  readonly bytes: number;
  /** By quota groups, or by the references to each extent. */
  readonly method: "qgroups" | "backrefs";
}

export interface Preview {
  readonly device: string;
  readonly root: string;
  readonly blank: string;
  readonly swap: Swap;
  /** What the boot does, in order. */
  readonly steps: readonly PreviewStep[];
  /** Undefined where no root is set aside. */
  readonly setAside:
    | { readonly as: string; readonly kept: boolean; readonly nested: readonly Uint8Array[] }
    | undefined;
  /** What happens at boot where it can't. */
  readonly onFailure: "boot" | "stop";
  readonly counts: Readonly<Record<"lost" | "kept" | "managed" | "ignored" | "restored", Count>>;
  /** Lost files that the profile lists, but of which there is no equal copy. */
  readonly uncopied: number;
  /** Whose the losses are, the largest first. */
  readonly groups: readonly LossGroup[];
  readonly largestLosses: readonly DirectoryLoss[];
  /** The first lost files. */
  readonly examples: readonly Uint8Array[];
  readonly keep: Profile["rollback"]["keep"];
  /** Old roots that the rollback deletes; bytes as latin1, oldest first. */
  readonly pruned: readonly string[];
  /** Those that rollback.keep no longer asks for: the daily pruning deletes them, and no boot. */
  readonly outdated: readonly string[];
  /** What deleting them frees; undefined where there are none, or nobody has looked. */
  readonly freed: FreedSpace | undefined;
  readonly warnings: readonly Warning[];
  /** What ages are counted from. */
  readonly now: Date;
}

const LOSSES_SHOWN = 10;
export function planPreview(profile: Profile, facts: PreviewFacts, tally: Tally): Preview {
  const { root, blank, old_roots } = profile.btrfs;
  const { keep, on_failure } = profile.rollback;
  const swap = swapOf(facts);
  const old = rootsToPrune(facts.oldRoots, keep, facts.now, swap === "done" ? 1 : 0);
  const deletesOld = keepsNone(keep) && (swap === "done" || swap === "none");
  const deleted = deletesOld ? old : [];
  const setAsideAs = `${old_roots}/<UTC time>-<boot id>`;
  const groups = tally.groups();
  return {
    device: facts.device,
    root,
    blank,
    swap,
    steps: previewSteps(profile, facts, { swap, setAsideAs, deleted }),
    setAside:
      swap === "done"
        ? {
            as: setAsideAs,
            kept: !keepsNone(keep),
            nested: tally.nested,
          }
        : undefined,
    onFailure: on_failure,
    counts: {
      lost: tally.count("lost"),
      kept: tally.count("kept"),
      managed: tally.count("managed"),
      ignored: tally.count("ignored"),
      restored: tally.count("restored"),
    },
    uncopied: tally.uncopied,
    groups,
    largestLosses: tally.largestLosses(LOSSES_SHOWN),
    examples: tally.examples,
    keep,
    pruned: deleted,
    outdated: deletesOld ? [] : old,
    freed: undefined,
    warnings: previewWarnings(profile, facts, groups),
    now: facts.now,
  };
}

/** Paths of the subvolumes that the rollback deletes, or else the daily pruning. */
export function deletedPaths({ btrfs }: Profile, preview: Preview): string[] {
  const { pruned, outdated, setAside } = preview;
  // A name that begins with a time is all of ASCII.
  const paths = [...pruned, ...outdated].map((name) => `${btrfs.old_roots}/${name}`);
  return setAside?.kept === false ? [btrfs.root, ...paths] : paths;
}

/** What decides whether the root is set aside. */
export type SwapFacts = Pick<
  PreviewFacts,
  | "keptNow"
  | "keptNext"
  | "blank"
  | "isUnused"
  | "hasNext"
  | "strangeNext"
  | "hasOldRoots"
  | "strangeOldRoots"
>;

export function swapOf(facts: SwapFacts): Swap {
  const { blank, strangeNext, strangeOldRoots } = facts;
  if (facts.keptNext) return "kept";
  if (blank?.readOnly !== true || strangeNext || strangeOldRoots) return "impossible";
  return facts.isUnused ? "none" : "done";
}
