/** Whether the initrd of the next boot will roll the root back, and mount what that boot needs. */

import { keepingWord } from "../boot/stage1.ts";
import type { InitrdContents } from "../initrd/contents.ts";
import { latin1OfText, textOfLatin1 } from "../latin1.ts";
import { survivingPlace } from "../mount-points.ts";
import { placesMachineId } from "../nix/persistence.ts";
import { keepsNone } from "../old-roots.ts";
import type { Profile } from "../profile.ts";
import { shellQuote, visible } from "../text.ts";
import type { FstabEntry, MachineFacts, SystemFacts } from "./facts.ts";
import { isFilesystem, rollbackDevice, subvolumeAt, subvolumeOf } from "./filesystem.ts";
import { type Finding, type FindingName, failed, ok, some, unknown } from "./finding.ts";

const NO_SYSTEM = "there is no system at /nix/var/nix/profiles/system";
const INSTALL = "nixos-install or nixos-rebuild boot makes one; only NixOS can be told about";
const REBUILD = "import what render-nix makes into the configuration, then nixos-rebuild boot";

export function stage1Findings(profile: Profile, facts: MachineFacts): Finding[] {
  const { next, booted } = facts;
  if (next === undefined) {
    return [unknown("initrd", NO_SYSTEM, INSTALL), unknown("needed-for-boot", NO_SYSTEM, INSTALL)];
  }
  const ofThisBoot =
    booted === undefined
      ? []
      : [initrdFinding("booted-initrd", "the initrd of this boot", profile, facts, booted)];
  return [
    initrdFinding("initrd", "the initrd of the next boot", profile, facts, next),
    ...ofThisBoot,
    parameterFinding(next),
    neededFinding(profile, facts, next),
  ];
}

function initrdFinding(
  name: FindingName,
  whose: string,
  profile: Profile,
  facts: MachineFacts,
  { initrd }: SystemFacts,
): Finding {
  if ("unreadable" in initrd) {
    return unknown(name, `${whose} can't be read: ${initrd.unreadable}`, "look into it by hand");
  }
  const fault =
    kindFault(profile, initrd) ??
    ruleFault(profile, initrd) ??
    deviceFault(facts, initrd) ??
    machineIdFault(profile, initrd);
  if (fault !== undefined) return failed(name, `${whose} ${fault}`, REBUILD);
  const what =
    initrd.kind === "systemd" ? `starts it by ${some(initrd.startedBy)}` : "has its hook";
  return ok(
    name,
    `${whose} (${initrd.kind}) has the rollback of this profile and ${what}${unseen(facts, initrd)}`,
  );
}

/** The end of a sentence about a device that can't be looked up. */
function unseen({ filesystem }: MachineFacts, { parameters }: InitrdContents): string {
  const device = rollbackDevice(parameters);
  if (device !== undefined && isFilesystem(device, filesystem) === true) return "";
  const name = textOfLatin1(device ?? parameters?.get("device") ?? "of no name");
  return `; its device ${name} leads nowhere here, and was not compared`;
}

function kindFault({ rollback }: Profile, initrd: InitrdContents): string | undefined {
  const { kind, hasUnit, startedBy, parameters } = initrd;
  if (kind === undefined) return "is neither of systemd nor of NixOS's scripts";
  if (kind !== rollback.stage1) {
    const silence = rollback.stage1 === "systemd" ? "units" : "hooks";
    return `is ${kind}, the profile says ${rollback.stage1}: ${silence} of the other kind are left out without a word`;
  }
  if (kind === "scripted") {
    return parameters === undefined ? "has no hook of ours" : hookFault(rollback, initrd);
  }
  if (!hasUnit) return "has no blankroot-rollback.service";
  if (startedBy.length === 0) return "has blankroot-rollback.service, but nothing starts it";
  if (parameters === undefined) return "has the unit, but not the text that it runs";
  return failureFault(rollback, startedBy);
}

const THEN = { stop: "stops the boot", boot: "boots the unwiped root" } as const;

/** What requires the unit ends the boot with it. */
function failureFault(
  { on_failure: onFailure }: Profile["rollback"],
  startedBy: readonly string[],
): string | undefined {
  const found = startedBy.some((directory) => directory.endsWith(".requires")) ? "stop" : "boot";
  if (found === onFailure) return undefined;
  return `${THEN[found]} where the rollback fails: it starts it by ${some(startedBy)}, the profile's on_failure is ${onFailure}`;
}

function hookFault(
  { on_failure: onFailure }: Profile["rollback"],
  { hookGoesOn }: InitrdContents,
): string | undefined {
  const found = hookGoesOn ? "boot" : "stop";
  if (found === onFailure) return undefined;
  return `${THEN[found]} where the rollback fails, the profile's on_failure is ${onFailure}`;
}

/** In preservation's case that is its own, by other means. */
function machineIdFault(profile: Profile, initrd: InitrdContents): string | undefined {
  if (!placesMachineId(profile) || initrd.placesMachineId) return undefined;
  return "has nothing that puts the kept machine id in its place: every boot looks like the machine's first";
}

/** Whether the rollback is made for the names that the profile has. */
function ruleFault(
  { btrfs, rollback }: Profile,
  { parameters }: InitrdContents,
): string | undefined {
  const wanted: Record<string, string> = {
    root: btrfs.root,
    blank: btrfs.blank,
    old_roots: btrfs.old_roots,
    keep_old: keepsNone(rollback.keep) ? "no" : "yes",
  };
  for (const [name, value] of Object.entries(wanted)) {
    const found = parameters?.get(name);
    if (found === latin1OfText(shellQuote(value))) continue;
    return `has a rollback of another profile: its blankroot_${name} is ${textOfLatin1(found ?? "not set")}, expected ${shellQuote(value)}`;
  }
  return undefined;
}

function deviceFault(facts: MachineFacts, { parameters }: InitrdContents): string | undefined {
  const device = rollbackDevice(parameters);
  if (device === undefined || isFilesystem(device, facts.filesystem) !== false) return undefined;
  return `has a rollback of another disk: its blankroot_device is ${textOfLatin1(device)}, expected ${expectedDevice(facts)}`;
}

function expectedDevice({ filesystem }: MachineFacts): string {
  return `${filesystem?.device} (UUID ${filesystem?.uuid})`;
}

function parameterFinding({ kernelParams }: SystemFacts): Finding {
  const keeping = keepingWord(kernelParams);
  if (keeping === undefined) {
    return ok("kernel-parameter", "the next boot is not asked to keep the root");
  }
  return failed(
    "kernel-parameter",
    `the next boot keeps the root, and each one after it: boot.kernelParams has ${visible(keeping)}`,
    "leave that to a specialisation or to the boot menu",
  );
}

/** Stage 1 mounts what fstab marks so; NixOS does it for neededForBoot, and for /nix and a few more by itself. */
function neededFinding(profile: Profile, facts: MachineFacts, { fstab }: SystemFacts): Finding {
  const needed = mountsNeededForBoot(profile);
  if (fstab.length === 0) {
    return unknown(
      "needed-for-boot",
      "the next system has no fstab",
      "look at fileSystems by hand",
    );
  }
  const entryOf = (mount: string) => fstab.find(({ mountPoint }) => mountPoint === mount);
  const late = needed.filter((mount) => !entryOf(mount)?.options.includes("x-initrd.mount"));
  if (late.length > 0) {
    return failed(
      "needed-for-boot",
      `stage 1 doesn't mount ${late.join(", ")}: what is put in place from there comes too late`,
      `set fileSystems."${late[0]}".neededForBoot = true`,
    );
  }
  const faults = needed.flatMap((mount) => mountFault(profile, facts, entryOf(mount)!) ?? []);
  if (faults.length === 0) return ok("needed-for-boot", `stage 1 mounts ${needed.join(", ")}`);
  return failed("needed-for-boot", `stage 1 mounts something else: ${some(faults)}`, REBUILD);
}

/** Without `subvol=` it would be the default subvolume; an id is no longer that of `/` after a rollback. */
function mountFault(profile: Profile, facts: MachineFacts, entry: FstabEntry): string | undefined {
  const { mountPoint, device } = entry;
  if (isFilesystem(latin1OfText(device), facts.filesystem) === false) {
    return `${mountPoint} is on ${device}, expected ${expectedDevice(facts)}`;
  }
  const subvolume = subvolumeOf(entry);
  const expected = subvolumeAt(profile, mountPoint);
  if (subvolume === expected || (subvolume === undefined && mountPoint !== "/")) return undefined;
  const is = subvolume === undefined ? "has no subvol= option" : `is the subvolume ${subvolume}`;
  return `${mountPoint} ${is}, expected ${expected}`;
}

function mountsNeededForBoot(profile: Profile): string[] {
  const { subvolumes } = profile.btrfs;
  const passwords = Object.values(profile.users).flatMap((user) => user.password_file ?? []);
  const paths = ["/nix", profile.persist.root, ...passwords];
  const mounts = paths.flatMap((path) => {
    const place = survivingPlace(profile, path);
    return place === undefined ? [] : [subvolumes[place.subvolume]!.mount];
  });
  return ["/", ...new Set(mounts)];
}
