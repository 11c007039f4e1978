/**
 * What the next boot will do and take, from the comparison and a look at the
 * disk. Nothing is decided here that lib/boot/rollback.sh doesn't decide in the
 * same way: without a read-only blank snapshot, or with something strange where it
 * would put its own, it leaves the root as it is, and so it does with a root that
 * nothing was written to.
 */
import { NEXT_SUFFIX } from "../boot/rollback.ts";
import { PARAMETER } from "../boot/stage1.ts";
import { keepsNone, rootsToPrune } from "../old-roots.ts";
import type { Profile } from "../profile.ts";
import type { Count, DirectoryLoss, Tally } from "../tally.ts";
import { formatBytes } from "../text.ts";

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
  /** Something that is no snapshot of the blank one has the name that its successor gets. */
  readonly strangeNext: boolean;
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

export type WarningKind =
  | "kept-now"
  | "kept-next"
  | "blank-missing"
  | "blank-writable"
  | "blank-not-empty"
  | "next-in-the-way"
  | "old-roots-no-directory"
  | "persist-missing"
  | "no-copy"
  | "password-missing"
  | "disk-nearly-full";

export interface Warning {
  readonly kind: WarningKind;
  readonly text: string;
}

export interface Preview {
  readonly device: string;
  readonly root: string;
  readonly blank: string;
  /** "none": nothing was written to the root, and it stays. "kept": it stays, as was asked for. */
  readonly swap: "done" | "none" | "kept" | "impossible";
  /** Undefined where no root is set aside. */
  readonly setAside:
    | { readonly as: string; readonly kept: boolean; readonly nested: readonly Uint8Array[] }
    | undefined;
  /** What happens at boot where it can't. */
  readonly onFailure: "boot" | "stop";
  readonly counts: Readonly<Record<"lost" | "kept" | "managed" | "ignored" | "restored", Count>>;
  /** Lost files that the profile lists, but of which there is no equal copy. */
  readonly uncopied: number;
  readonly largestLosses: readonly DirectoryLoss[];
  /** The first lost files. */
  readonly examples: readonly Uint8Array[];
  readonly keep: Profile["rollback"]["keep"];
  /** Old roots that the rollback deletes; bytes as latin1, oldest first. */
  readonly pruned: readonly string[];
  /** Those that rollback.keep no longer asks for: the daily pruning deletes them, and no boot. */
  readonly outdated: readonly string[];
  readonly warnings: readonly Warning[];
}

const LOSSES_SHOWN = 10;
/** With less than this part of the disk left btrfs may find no room for metadata; of a large one, with less than so many bytes. */
const FREE_PART_MIN = 0.05;
const FREE_BYTES_ENOUGH = 10 * 1024 ** 3;

export function planPreview(profile: Profile, facts: PreviewFacts, tally: Tally): Preview {
  const { root, blank, old_roots } = profile.btrfs;
  const { keep, on_failure } = profile.rollback;
  const swap = swapOf(facts);
  const old = rootsToPrune(facts.oldRoots, keep, facts.now, swap === "done" ? 1 : 0);
  const deletesOld = keepsNone(keep) && (swap === "done" || swap === "none");
  return {
    device: facts.device,
    root,
    blank,
    swap,
    setAside:
      swap === "done"
        ? {
            as: `${old_roots}/<UTC time>-<boot id>`,
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
    largestLosses: tally.largestLosses(LOSSES_SHOWN),
    examples: tally.examples,
    keep,
    pruned: deletesOld ? old : [],
    outdated: deletesOld ? [] : old,
    warnings: warningsOf(profile, facts),
  };
}

function swapOf(facts: PreviewFacts): Preview["swap"] {
  const { blank, strangeNext, strangeOldRoots } = facts;
  if (facts.keptNext) return "kept";
  if (blank?.readOnly !== true || strangeNext || strangeOldRoots) return "impossible";
  return facts.isUnused ? "none" : "done";
}

function warningsOf(profile: Profile, facts: PreviewFacts): Warning[] {
  const warnings: Warning[] = [
    ...parameterWarnings(facts),
    ...blankWarnings(profile, facts),
    ...strangers(profile, facts),
  ];
  const warn = (kind: WarningKind, text: string) => void warnings.push({ kind, text });
  if (!facts.hasPersistRoot) {
    warn(
      "persist-missing",
      `${profile.persist.root} is not there: nothing that is listed has a copy`,
    );
  } else {
    for (const path of facts.withoutCopy) {
      warn(
        "no-copy",
        `${path} is listed, but ${profile.persist.root} has no copy: it comes up empty`,
      );
    }
  }
  for (const { user, file } of facts.withoutPassword) {
    warn("password-missing", `${file} is not there: ${user} can't log in with a password`);
  }
  if (isNearlyFull(facts)) {
    const free = formatBytes(facts.freeBytes);
    warn(
      "disk-nearly-full",
      `${facts.device} is nearly full: ${free} left of ${formatBytes(facts.sizeBytes)}`,
    );
  }
  return warnings;
}

function parameterWarnings({ keptNow, keptNext }: PreviewFacts): Warning[] {
  const warnings: Warning[] = [];
  if (keptNext) {
    const text = `boot.kernelParams has ${PARAMETER}: no boot rolls back until it goes from there`;
    warnings.push({ kind: "kept-next", text });
  } else if (keptNow) {
    const text = `the root was kept at this boot (${PARAMETER}): the next one rolls back, unless it is asked to keep it as well`;
    warnings.push({ kind: "kept-now", text });
  }
  return warnings;
}

function blankWarnings({ btrfs }: Profile, { blank, device }: PreviewFacts): Warning[] {
  if (blank === undefined) {
    return [
      {
        kind: "blank-missing",
        text: `${device} has no blank snapshot ${btrfs.blank}: make-subvols takes it`,
      },
    ];
  }
  const warnings: Warning[] = [];
  if (!blank.readOnly) {
    warnings.push({
      kind: "blank-writable",
      text: `${btrfs.blank} is writable, and so the rollback refuses it: btrfs property set -ts SUBVOLUME ro true makes it read-only`,
    });
  }
  if (!blank.empty) {
    warnings.push({
      kind: "blank-not-empty",
      text: `${btrfs.blank} is not empty: what it holds comes back at every boot`,
    });
  }
  return warnings;
}

function strangers({ btrfs }: Profile, facts: PreviewFacts): Warning[] {
  const warnings: Warning[] = [];
  if (facts.strangeNext) {
    warnings.push({
      kind: "next-in-the-way",
      text: `${btrfs.root}${NEXT_SUFFIX} is no snapshot of ${btrfs.blank}, and so the rollback refuses: look at it, and move it away`,
    });
  }
  if (facts.strangeOldRoots) {
    warnings.push({
      kind: "old-roots-no-directory",
      text: `${btrfs.old_roots} is no directory, and so the rollback refuses: look at it, and move it away`,
    });
  }
  return warnings;
}

function isNearlyFull({ sizeBytes, freeBytes }: PreviewFacts): boolean {
  return freeBytes < Math.min(FREE_BYTES_ENOUGH, sizeBytes * FREE_PART_MIN);
}
