/**
 * What another file of the configuration may define as well: file systems, swap, LUKS
 * volumes, the kind of stage 1, a rollback.
 *
 * The module system puts lists together and takes equal values for one, so most of it
 * would go unseen: swap twice, options of two files, a root that is wiped by two hooks.
 */
import type { Profile } from "../profile.ts";
import { type DiskFacts, luksName } from "./disk-names.ts";
import { mountPoints, swapNames } from "./file-systems.ts";
import { type Guard, guarded } from "./guard.ts";
import { Application, attribute, below, Expression, insideString, nixString } from "./text.ts";

const WITHOUT_FILE_SYSTEMS =
  "Make hardware-configuration.nix with nixos-generate-config --no-filesystems";
const UNKNOWN_NAMES = `${WITHOUT_FILE_SYSTEMS}; others can be told apart once this is written where the disk is`;

export function clashGuards(profile: Profile, facts: DiskFacts): Guard[] {
  return [
    stage1Guard(profile),
    doubledGuard(profile),
    rootGuard(profile),
    rollbackGuard(profile),
    ...swapGuards(profile, facts),
    ...luksGuards(profile, facts),
  ];
}

/** In the other kind, what is written for this one is left out in silence. */
function stage1Guard({ rollback: { stage1 } }: Profile): Guard {
  const enable = "config.boot.initrd.systemd.enable";
  const isSystemd = stage1 === "systemd";
  const message = `rollback.stage1 of the profile is ${stage1}, but boot.initrd.systemd.enable is ${!isSystemd}: nothing would be erased. Make them agree`;
  return { assertions: [guarded(isSystemd ? enable : `!${enable}`, message)] };
}

function doubledGuard(profile: Profile): Guard {
  const isDoubled = below(
    "mountPoint:",
    "lib.count (",
    `  each: each ? \${mountPoint}.device && !(each.\${mountPoint}.device ? _type)`,
    ") options.fileSystems.definitions > 1",
  );
  return {
    bindings: [
      attribute(
        "isDoubled",
        isDoubled,
        "Not by what gives way, or was written to prevail: mkDefault, mkForce.",
      ),
      attribute(
        "doubled",
        new Application("lib.filter isDoubled", mountPoints(profile)),
        "What another file defines too: the options of both would be put together.",
      ),
    ],
    assertions: [
      guarded(
        "doubled == [ ]",
        `another file defines \${toString doubled} as well. ${WITHOUT_FILE_SYSTEMS}`,
      ),
    ],
  };
}

/** Else one root is rolled back and another one is mounted. */
function rootGuard({ btrfs }: Profile): Guard {
  const option = `subvol=${btrfs.root}`;
  // Two devices that differ are an error of the module system, which says less.
  const holds = below(
    "doubled != [ ]",
    "|| (",
    '  config.fileSystems."/".device == btrfs',
    `  && lib.elem ${nixString(option)} config.fileSystems."/".options`,
    ")",
  );
  const message = `/ is not the subvolume that is rolled back, expected \${btrfs} with the option ${insideString(option)}`;
  return { assertions: [guarded(holds, message)] };
}

function rollbackGuard({ rollback }: Profile): Guard {
  const isScripted = rollback.stage1 === "scripted";
  const text = isScripted
    ? [
        'lib.count (lib.hasInfix "btrfs subvolume") (',
        `  lib.concatMap (hook: options.boot.initrd.\${hook}.definitions) [`,
        '    "preLVMCommands"',
        '    "postDeviceCommands"',
        '    "postResumeCommands"',
        '    "postMountCommands"',
        "  ]",
        ")",
      ]
    : [
        'lib.count (service: lib.hasInfix "btrfs subvolume" service.script) (',
        "  lib.attrValues config.boot.initrd.systemd.services",
        ")",
      ];
  const comment = "Whatever works on subvolumes in stage 1 is taken for a rollback; one is ours.";
  const other = isScripted ? "a hook of boot.initrd" : "a unit of boot.initrd.systemd.services";
  return {
    bindings: [attribute("rollbacks", new Expression(text.join("\n")), comment)],
    assertions: [
      guarded(
        "rollbacks == 1",
        `${other} works on btrfs subvolumes as well. Take the other rollback out`,
      ),
    ],
  };
}

/** nixos-generate-config names what is in use at the time, by a name of its own choice. */
function swapGuards(profile: Profile, facts: DiskFacts): Guard[] {
  const names = swapNames(profile, facts);
  if (names === undefined) return [];
  const twice = "swapDevices has the profile's swap twice";
  if (names === "unknown") {
    const holds = "lib.length config.swapDevices == 1";
    const more = "swapDevices has more than the profile's swap, which may be that once more";
    return [{ assertions: [guarded(holds, `${more}. ${UNKNOWN_NAMES}`)] }];
  }
  const holds = "lib.count (each: lib.elem each.device swapNames) config.swapDevices == 1";
  return [
    {
      bindings: [attribute("swapNames", names, "All names that the swap area may be called by.")],
      assertions: [guarded(holds, `${twice}. ${WITHOUT_FILE_SYSTEMS}`)],
    },
  ];
}

function luksGuards(profile: Profile, facts: DiskFacts): Guard[] {
  if (profile.disk.encryption === undefined) return [];
  const { isKnown } = luksName(profile, facts);
  const devices = "(lib.attrValues config.boot.initrd.luks.devices)";
  if (!isKnown) {
    const more =
      "boot.initrd.luks.devices has more than the profile's volume, which may be that once more";
    return [{ assertions: [guarded(`lib.length ${devices} == 1`, `${more}. ${UNKNOWN_NAMES}`)] }];
  }
  const twice = "boot.initrd.luks.devices has the profile's volume twice, or of another device";
  const holds = below(`lib.count (each: each.device == luks) ${devices} == 1`);
  return [{ assertions: [guarded(holds, `${twice}. ${WITHOUT_FILE_SYSTEMS}`)] }];
}
