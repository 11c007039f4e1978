/** What would surprise whoever boots next: each with its kind, for programs, and a sentence. */
import { NEXT_SUFFIX } from "../boot/rollback.ts";
import { PARAMETER } from "../boot/stage1.ts";
import type { LossGroup } from "../losses/losses.ts";
import { isNearlyFull } from "../nearly-full.ts";
import type { Profile } from "../profile.ts";
import { formatBytes, plural } from "../text.ts";
import type { PreviewFacts } from "./preview.ts";

export const WARNING_KINDS = [
  "kept-now",
  "kept-next",
  "blank-missing",
  "blank-writable",
  "blank-not-empty",
  "next-in-the-way",
  "old-roots-no-directory",
  "persist-missing",
  "no-copy",
  "password-missing",
  "disk-nearly-full",
  "clock",
] as const;

export type WarningKind = (typeof WARNING_KINDS)[number];

export interface Warning {
  readonly kind: WarningKind;
  readonly text: string;
}

export function previewWarnings(
  profile: Profile,
  facts: PreviewFacts,
  groups: readonly LossGroup[],
): Warning[] {
  return [
    ...parameterWarnings(facts),
    ...blankWarnings(profile, facts),
    ...strangers(profile, facts),
    ...persistWarnings(profile, facts),
    ...facts.withoutPassword.map(({ user, file }) =>
      warning("password-missing", `${file} is not there: ${user} can't log in with a password`),
    ),
    ...spaceWarnings(facts),
    ...clockWarnings(groups),
  ];
}

function warning(kind: WarningKind, text: string): Warning {
  return { kind, text };
}

function parameterWarnings({ keptNow, keptNext }: PreviewFacts): Warning[] {
  if (keptNext) {
    const text = `boot.kernelParams has ${PARAMETER}: no boot rolls back until it goes from there`;
    return [warning("kept-next", text)];
  }
  if (!keptNow) return [];
  const text = `the root was kept at this boot (${PARAMETER}): the next one rolls back, unless it is asked to keep it as well`;
  return [warning("kept-now", text)];
}

function blankWarnings({ btrfs }: Profile, { blank, device }: PreviewFacts): Warning[] {
  if (blank === undefined) {
    const text = `${device} has no blank snapshot ${btrfs.blank}: make-subvols takes it`;
    return [warning("blank-missing", text)];
  }
  const warnings: Warning[] = [];
  if (!blank.readOnly) {
    const text = `${btrfs.blank} is writable, and so the rollback refuses it: btrfs property set -ts SUBVOLUME ro true makes it read-only`;
    warnings.push(warning("blank-writable", text));
  }
  if (!blank.empty) {
    const text = `${btrfs.blank} is not empty: what it holds comes back at every boot`;
    warnings.push(warning("blank-not-empty", text));
  }
  return warnings;
}

function strangers({ btrfs }: Profile, facts: PreviewFacts): Warning[] {
  const warnings: Warning[] = [];
  if (facts.strangeNext) {
    const text = `${btrfs.root}${NEXT_SUFFIX} is no snapshot of ${btrfs.blank}, and so the rollback refuses: look at it, and move it away`;
    warnings.push(warning("next-in-the-way", text));
  }
  if (facts.strangeOldRoots) {
    const text = `${btrfs.old_roots} is no directory, and so the rollback refuses: look at it, and move it away`;
    warnings.push(warning("old-roots-no-directory", text));
  }
  return warnings;
}

function persistWarnings({ persist }: Profile, facts: PreviewFacts): Warning[] {
  if (!facts.hasPersistRoot) {
    const text = `${persist.root} is not there: nothing that is listed has a copy`;
    return [warning("persist-missing", text)];
  }
  return facts.withoutCopy.map((path) =>
    warning("no-copy", `${path} is listed, but ${persist.root} has no copy: it comes up empty`),
  );
}

function spaceWarnings({ device, sizeBytes, freeBytes }: PreviewFacts): Warning[] {
  if (!isNearlyFull({ sizeBytes, freeBytes })) return [];
  const left = `${formatBytes(freeBytes)} left of ${formatBytes(sizeBytes)}`;
  return [warning("disk-nearly-full", `${device} is nearly full: ${left}`)];
}

function clockWarnings(groups: readonly LossGroup[]): Warning[] {
  const future = groups.reduce((sum, group) => sum + group.future, 0);
  if (future === 0) return [];
  const which = `${plural(future, "lost file")} ${future === 1 ? "was" : "were"} changed at a time to come`;
  return [
    warning("clock", `${which}: the clock is wrong, or was so then, and ages can't be relied upon`),
  ];
}
