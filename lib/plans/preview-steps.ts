/**
 * What the next boot does to the root, step by step: the words for what
 * lib/boot/rollback.sh does with these facts, in its order, and what puts the rest in its
 * place afterwards.
 *
 * The time and the boot's id in the old root's name are known to that boot alone.
 */
import { MACHINE_ID } from "../boot/machine-id.ts";
import { NEXT_SUFFIX, ROLLBACK_RESULT, ROLLBACK_TOP } from "../boot/rollback.ts";
import { PARAMETER } from "../boot/stage1.ts";
import { persistedMountPoints } from "../mount-points.ts";
import { placesMachineId } from "../nix/persistence.ts";
import { keepsNone, keepText } from "../old-roots.ts";
import type { Profile } from "../profile.ts";
import type { PreviewFacts, Swap } from "./preview.ts";

export const STEP_KINDS = [
  "keep",
  "mount-top",
  "refuse",
  "delete-next",
  "snapshot",
  "make-old-roots",
  "set-aside",
  "put-in-place",
  "delete-old-roots",
  "unmount-top",
  "boot",
  "stop",
  "machine-id",
  "persist",
] as const;

export type StepKind = (typeof STEP_KINDS)[number];

export interface PreviewStep {
  readonly kind: StepKind;
  /** A sentence without a full stop; the names follow it. */
  readonly text: string;
  readonly names: readonly string[];
}

/** @param deleted names of the old roots that go with the rollback */
export function previewSteps(
  profile: Profile,
  facts: PreviewFacts,
  { swap, setAsideAs, deleted }: { swap: Swap; setAsideAs: string; deleted: readonly string[] },
): PreviewStep[] {
  if (swap === "kept") return [keepStep(profile), ...bootSteps(profile)];
  const first = step(
    "mount-top",
    `in stage 1 (${profile.rollback.stage1}), before / is mounted, the top of ${facts.device} is mounted at ${ROLLBACK_TOP}`,
  );
  const last = step("unmount-top", `it is unmounted, and the result is in ${ROLLBACK_RESULT}`);
  if (swap === "impossible") {
    return [first, refusal(profile, facts), last, ...afterFailure(profile)];
  }
  const swapped =
    swap === "none" ? unusedSteps(profile, facts) : swapSteps(profile, facts, setAsideAs);
  const deletions = deleted.length === 0 ? [] : [deletion(profile, deleted)];
  return [first, ...swapped, ...deletions, last, ...bootSteps(profile)];
}

function step(kind: StepKind, text: string, names: readonly string[] = []): PreviewStep {
  return { kind, text, names };
}

function keepStep({ btrfs }: Profile): PreviewStep {
  return step("keep", `${btrfs.root} stays as it is: the kernel's command line has ${PARAMETER}`);
}

/** In the order in which the rollback looks at them. */
function refusal({ btrfs }: Profile, facts: PreviewFacts): PreviewStep {
  const { blank, strangeOldRoots } = facts;
  const because =
    blank === undefined
      ? `there is no ${btrfs.blank}`
      : !blank.readOnly
        ? `${btrfs.blank} is not read-only`
        : strangeOldRoots
          ? `${btrfs.old_roots} is no directory`
          : `${btrfs.root}${NEXT_SUFFIX} is no snapshot of ${btrfs.blank}`;
  return step("refuse", `nothing is changed, for ${because}`);
}

function unusedSteps({ btrfs }: Profile, facts: PreviewFacts): PreviewStep[] {
  const kept = `${btrfs.root} stays: nothing was written to it since it was made from ${btrfs.blank}`;
  return [...leftover(btrfs.root, facts), step("keep", kept)];
}

/** What an interrupted rollback left is of no use while there is a root. */
function leftover(root: string, { hasNext }: PreviewFacts): PreviewStep[] {
  if (!hasNext) return [];
  const text = `${root}${NEXT_SUFFIX}, which an interrupted rollback left, is deleted`;
  return [step("delete-next", text)];
}

function swapSteps(
  { btrfs, rollback: { keep } }: Profile,
  facts: PreviewFacts,
  setAsideAs: string,
): PreviewStep[] {
  const next = `${btrfs.root}${NEXT_SUFFIX}`;
  const fate = keepsNone(keep) ? "then deleted: old roots are not kept" : `kept: ${keepText(keep)}`;
  return [
    ...leftover(btrfs.root, facts),
    step("snapshot", `${next} is made, a writable snapshot of ${btrfs.blank}, and synced`),
    ...(facts.hasOldRoots
      ? []
      : [step("make-old-roots", `the directory ${btrfs.old_roots} is made`)]),
    step(
      "set-aside",
      `${btrfs.root} is set aside as ${setAsideAs} (${fate}), with all that is nested in it`,
    ),
    step("put-in-place", `${next} is renamed to ${btrfs.root}, and synced`),
  ];
}

function deletion({ btrfs }: Profile, names: readonly string[]): PreviewStep {
  const paths = names.map((name) => `${btrfs.old_roots}/${name}`);
  return step("delete-old-roots", "old roots are deleted, for none are kept", paths);
}

function afterFailure(profile: Profile): PreviewStep[] {
  if (profile.rollback.on_failure === "boot") return bootSteps(profile);
  return [step("stop", "the boot stops in emergency mode")];
}

function bootSteps(profile: Profile): PreviewStep[] {
  const { btrfs, persist } = profile;
  const mounts = Object.entries(btrfs.subvolumes).map(([name, { mount }]) => `${name} at ${mount}`);
  const persisted = persistedMountPoints(profile).filter(
    (path) => path !== MACHINE_ID || !placesMachineId(profile),
  );
  return [
    step("boot", `${btrfs.root} is mounted at /, and the subvolumes that survive`, mounts),
    ...(placesMachineId(profile)
      ? [step("machine-id", `the machine id that is kept is put at ${MACHINE_ID}`)]
      : []),
    ...(persisted.length === 0
      ? []
      : [
          step(
            "persist",
            `${persist.module} puts in its place what ${persist.root} holds`,
            persisted,
          ),
        ]),
  ];
}
