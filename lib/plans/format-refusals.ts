/** Why format-disk would rather not: everything that is known of the disk before it is touched. */
import { describeContents } from "../disk-text.ts";
import type { Disk } from "../facts.ts";
import { Refusal } from "../fault.ts";
import { refuseHibernated } from "../filesystem.ts";
import type { Profile } from "../profile.ts";
import { visible } from "../text.ts";
import type { FormatFacts } from "./format.ts";
import { labelsInUse } from "./labels.ts";

/** @throws Refusal */
export function refuseUnsafe(profile: Profile, facts: FormatFacts): void {
  const { disk } = facts;
  refuseUnbuilt(profile);
  refuseUnlessWholeDisk(disk);
  refuseUnlessIdle(disk);
  if (disk.readOnly) throw refusal(disk, "it is read-only, expected a disk that can be written");
  refuseHibernated(disk.node, disk.contents);
  refuseLabelClash(profile, facts);
  refuseUuidClash(facts);
  if (!facts.wipe) refuseUnlessBlank(disk);
  refuseUnlessTableFits(facts);
}

function refuseUnbuilt(profile: Profile): void {
  const missing = [
    profile.disk.encryption && "disk.encryption",
    profile.disk.swap?.kind === "file" && 'disk.swap.kind = "file"',
  ].filter(Boolean);
  if (missing.length === 0) return;
  throw new Refusal(
    `Cannot format ${profile.disk.device}: ${missing.join(" and ")} of the profile can't be made yet`,
    { hint: "This version makes unencrypted disks with a swap partition or none" },
  );
}

function refuseUnlessWholeDisk(disk: Disk): void {
  if (disk.kind === "disk") return;
  const what = disk.kind === "partition" ? "a partition" : "a mapped device";
  throw refusal(disk, `it is ${what}, expected a whole disk`);
}

function refuseUnlessIdle(disk: Disk): void {
  if (disk.uses.length === 0) return;
  const vital = disk.uses.find((use) => use.vital !== undefined)?.vital;
  const uses = disk.uses.map((use) => `${visible(use.node)} is ${visible(use.how)}`).join("; ");
  const carries = vital === undefined ? "" : `it carries the ${vital}: `;
  throw refusal(disk, `${carries}${uses}, expected an idle disk`);
}

function refuseLabelClash(profile: Profile, { disk, labelsElsewhere }: FormatFacts): void {
  const wanted = labelsInUse(profile);
  const clash = labelsElsewhere.find(({ label = "" }) => wanted.includes(label));
  if (clash === undefined) return;
  throw refusal(
    disk,
    `the label "${visible(clash.label ?? "")}" is borne by ${clash.node} already, expected labels that this machine has once`,
    "Choose another disk.label in the profile, or detach the other disk",
  );
}

/** Only a seed that was used before leads here. */
function refuseUuidClash({ disk, ids, labelsElsewhere }: FormatFacts): void {
  const clash = labelsElsewhere.find(({ uuid }) => uuid === ids.btrfs || uuid === ids.swap);
  if (clash === undefined) return;
  throw refusal(
    disk,
    `the UUID ${clash.uuid} is borne by ${clash.node} already, expected UUIDs that this machine has once`,
    "Choose another --seed or none, or detach the other disk",
  );
}

function refuseUnlessBlank(disk: Disk): void {
  const contents = describeContents(disk.contents);
  if (contents.length === 0) return;
  throw refusal(
    disk,
    `it is not blank, expected a disk without table or signature\n${contents.map((line) => `    ${line}`).join("\n")}`,
    "If all of this may go, add --wipe",
  );
}

function refuseUnlessTableFits({ disk, tableFile, tableFileFault }: FormatFacts): void {
  if (!disk.contents.isReadable || tableFileFault === undefined) return;
  throw refusal(
    disk,
    `its old table can't be kept in ${visible(tableFile)}, expected a new file: ${visible(tableFileFault)}`,
    "Name another file with --save-table",
  );
}

function refusal(disk: Disk, reason: string, hint?: string): Refusal {
  return new Refusal(`Cannot format ${visible(disk.node)}: ${reason}`, { hint });
}
