/**
 * File systems, swap, LUKS and boot loader of the profile, whole: beside a
 * hardware-configuration.nix that is made with --no-filesystems, which leaves out
 * all of them.
 */

import { ESP_MOUNT, isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { hasSwapFile, SWAP_FILE, SWAP_MOUNT, SWAP_SUBVOLUME } from "../swap-file.ts";
import { type DiskFacts, espName, luksName, swapName } from "./disk-names.ts";
import { onOwnDisks } from "./own-disks.ts";
import {
  Application,
  type Attribute,
  apart,
  attribute,
  Expression,
  NixSet,
  type NixValue,
  sentence,
} from "./text.ts";

/** What the file system's device is bound to by `let`. */
export const BTRFS = new Expression("btrfs");

const RESUME_COMMENT = "Where stage 1 looks for a hibernated system.";
const SWAP_PATH = `${SWAP_MOUNT}/${SWAP_FILE}`;
const MIB = 1024 ** 2;

export function fileSystemAttributes(profile: Profile, facts: DiskFacts): Attribute[] {
  const mounts = subvolumeMounts(profile).map(({ mountPoint, value, comment }) => ({
    path: [mountPoint],
    value,
    comment,
  }));
  const esp = { path: [ESP_MOUNT], ...espValue(profile, facts) };
  return [attribute("fileSystems", new NixSet(apart([...mounts, esp].map((each) => [each]))))];
}

/** The mount points that this configuration defines. */
export function mountPoints(profile: Profile): string[] {
  return [...subvolumeMounts(profile).map(({ mountPoint }) => mountPoint), ESP_MOUNT];
}

/**
 * Surviving mounts that must be there when the system is activated, which is before
 * stage 2 mounts anything, and why.
 */
export function bootMounts({ btrfs, persist, users }: Profile): Map<string, string> {
  const wanted: [path: string, why: string][] = [[persist.root, "Kept state is put in its place."]];
  for (const [name, { password_file: file }] of Object.entries(users)) {
    if (file !== undefined) wanted.push([file, "Users are made with the passwords here."]);
    if (name !== "root") wanted.push([`/home/${name}`, "Users are made, and their homes."]);
  }
  const mounts = Object.values(btrfs.subvolumes).flatMap(({ mount }): [string, string][] => {
    const first = wanted.find(([path]) => isWithin(path, mount));
    return first === undefined ? [] : [[mount, first[1]]];
  });
  return new Map(mounts);
}

/** Swap, and what resumes from it. */
export function swapAttributes(profile: Profile, facts: DiskFacts): Attribute[] {
  const { swap, encryption } = profile.disk;
  if (swap === undefined) return [];
  if (swap.kind === "file") return swapFileAttributes(swap.size, facts);
  const { path, remark } = swapName(profile, facts);
  const device = attribute("device", path, remark && sentence(remark));
  if (encryption === undefined) {
    return [
      attribute("swapDevices", [new NixSet([device])]),
      ...onOwnDisks([attribute("boot.resumeDevice", path, RESUME_COMMENT)]),
    ];
  }
  const random = attribute(
    "randomEncryption.enable",
    true,
    "Beside an encrypted file system: a new key at each boot, so that nothing is left to\n" +
      "read. Nor to resume from: hibernation needs a swap file within the file system.",
  );
  return [attribute("swapDevices", [new NixSet([device, random])])];
}

/** All names of the swap area, undefined where there is none; without its UUIDs they are not all known. */
export function swapNames(profile: Profile, facts: DiskFacts): string[] | "unknown" | undefined {
  const { swap } = profile.disk;
  if (swap === undefined) return undefined;
  if (swap.kind === "file") return [SWAP_PATH];
  const { aliases, isKnown } = swapName(profile, facts);
  return isKnown ? [...aliases] : "unknown";
}

/** What `let` binds: the partition with the LUKS volume. */
export function luksBindings(profile: Profile, facts: DiskFacts): Attribute[] {
  if (profile.disk.encryption === undefined) return [];
  const { path, remark } = luksName(profile, facts);
  return [attribute("luks", path, remark && sentence(remark))];
}

export function luksAttributes({ disk: { encryption } }: Profile): Attribute[] {
  if (encryption === undefined) return [];
  const path = ["boot", "initrd", "luks", "devices", encryption.mapper, "device"];
  return [{ path, value: new Expression("luks") }];
}

export function loaderAttributes(): Attribute[] {
  return [
    attribute(
      "boot.loader",
      new NixSet([
        attribute("systemd-boot.enable", byDefault(true)),
        attribute("efi.canTouchEfiVariables", byDefault(true)),
      ]),
    ),
  ];
}

/** A value that any other definition is preferred to. */
export function byDefault(value: NixValue): NixValue {
  return new Application("lib.mkDefault", value);
}

interface SubvolumeMount {
  readonly mountPoint: string;
  readonly value: NixSet;
  readonly comment: string | undefined;
}

function subvolumeMounts(profile: Profile): SubvolumeMount[] {
  const { btrfs, disk } = profile;
  const early = bootMounts(profile);
  const subvolume = (
    name: string,
    mountPoint: string,
    own: readonly string[],
    comment?: string,
  ): SubvolumeMount => {
    const why = early.get(mountPoint);
    const attributes = [
      attribute("device", BTRFS),
      attribute("fsType", "btrfs"),
      attribute("options", [`subvol=${name}`, ...btrfs.mount_options, ...own]),
      ...(why === undefined ? [] : [attribute("neededForBoot", true, why)]),
    ];
    return { mountPoint, comment, value: new NixSet(attributes) };
  };
  const surviving = Object.entries(btrfs.subvolumes).map(([name, { mount, options }]) =>
    subvolume(name, mount, options),
  );
  const swap = hasSwapFile({ disk })
    ? [subvolume(SWAP_SUBVOLUME, SWAP_MOUNT, [], "Of its own, for a snapshot can't hold swap.")]
    : [];
  const root = subvolume(btrfs.root, "/", [], "Replaced at every boot.");
  return [root, ...[...surviving, ...swap].sort((a, b) => (a.mountPoint < b.mountPoint ? -1 : 1))];
}

function espValue(profile: Profile, facts: DiskFacts): Pick<Attribute, "value" | "comment"> {
  const { path, remark } = espName(profile, facts);
  const secret = "The files are a secret: systemd keeps a random seed there.";
  return {
    value: new NixSet([
      attribute("device", path, remark && sentence(remark)),
      attribute("fsType", "vfat"),
      attribute("options", ["umask=0077"], secret),
    ]),
  };
}

function swapFileAttributes(sizeBytes: number, { resumeOffset }: DiskFacts): Attribute[] {
  const file = new NixSet([
    attribute("device", SWAP_PATH),
    attribute(
      "size",
      sizeBytes / MIB,
      "In MiB; made anew where it is missing or has another size.",
    ),
  ]);
  if (resumeOffset === undefined) {
    const hint =
      "Hibernation needs boot.resumeDevice as well, and resume_offset among boot.kernelParams:\n" +
      `btrfs inspect-internal map-swapfile -r ${SWAP_PATH}`;
    return [attribute("swapDevices", [file], hint)];
  }
  return [
    attribute("swapDevices", [file]),
    ...onOwnDisks([
      attribute("boot.resumeDevice", BTRFS, RESUME_COMMENT),
      attribute(
        "boot.kernelParams",
        [`resume_offset=${resumeOffset}`],
        "Where the swap file begins: a file that is made anew begins elsewhere.",
      ),
    ]),
  ];
}
