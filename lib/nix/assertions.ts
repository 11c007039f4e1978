/**
 * What would go wrong without a word, as errors of evaluation: all of it holds for the
 * module by itself, and ceases to by what another file of the configuration says.
 */

import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { type DiskFacts, luksName } from "./disk-names.ts";
import { bootMounts, mountPoints, swapNames } from "./file-systems.ts";
import { ID_MAPS } from "./persistence.ts";
import {
  Application,
  type Attribute,
  attribute,
  below,
  Expression,
  insideString,
  NixSet,
  nixString,
  renderNix,
} from "./text.ts";

interface Assertion {
  readonly holds: Expression;
  readonly message: Expression;
}

const WITHOUT_FILE_SYSTEMS =
  "Make hardware-configuration.nix with nixos-generate-config --no-filesystems";

/** What `let` binds for the assertions. */
export function assertionBindings(profile: Profile): Attribute[] {
  return [
    ...doubled(profile),
    rollbacks(profile),
    ...missingPasswords(profile),
    ...keepsIds(profile),
  ];
}

export function assertionAttributes(profile: Profile, facts: DiskFacts): Attribute[] {
  const assertions = [
    stage1Assertion(profile),
    doubledAssertion(),
    rootAssertion(profile),
    neededForBootAssertion(profile),
    ...passwordAssertions(profile),
    rollbackAssertion(profile),
    ...swapAssertions(profile, facts),
    ...luksAssertions(profile, facts),
  ];
  const values = assertions.map(
    ({ holds, message }) =>
      new NixSet([attribute("assertion", holds), attribute("message", message)]),
  );
  return [attribute("assertions", values)];
}

/** @returns nothing where there is nothing to warn of, whatever the rest says */
export function warningAttributes(profile: Profile): Attribute[] {
  const warnings = [...idMapWarnings(profile), ...passwordWarnings(profile)];
  const text = warnings.map(
    ({ holds, message }) => `lib.optional ${negation(holds)} ${message.text}`,
  );
  const [only] = text;
  if (only === undefined) return [];
  const value = text.length === 1 ? new Expression(only) : below(text.join("\n  ++ "));
  return [attribute("warnings", value)];
}

function stage1Assertion({ rollback: { stage1 } }: Profile): Assertion {
  const enable = "config.boot.initrd.systemd.enable";
  const isSystemd = stage1 === "systemd";
  return {
    holds: new Expression(isSystemd ? enable : `!${enable}`),
    message: says(
      `rollback.stage1 of the profile is ${stage1}, but boot.initrd.systemd.enable is ${!isSystemd}: nothing would be erased. Make them agree`,
    ),
  };
}

function doubled(profile: Profile): Attribute[] {
  return [
    attribute(
      "isDoubled",
      below(
        "mountPoint:",
        `lib.count (each: each ? \${mountPoint}.device) options.fileSystems.definitions > 1`,
      ),
    ),
    attribute(
      "doubled",
      new Application("lib.filter isDoubled", mountPoints(profile)),
      "What another file defines too: the options of both would be put together.",
    ),
  ];
}

function doubledAssertion(): Assertion {
  return {
    holds: new Expression("doubled == [ ]"),
    message: says(`another file defines \${toString doubled} as well. ${WITHOUT_FILE_SYSTEMS}`),
  };
}

/** Else one root is rolled back and another one is mounted. */
function rootAssertion({ btrfs }: Profile): Assertion {
  const option = `subvol=${btrfs.root}`;
  const root = 'config.fileSystems."/"';
  return {
    // Two devices that differ are an error of their own, which says less.
    holds: below(
      "doubled != [ ]",
      `|| (${root}.device == btrfs && lib.elem ${nixString(option)} ${root}.options)`,
    ),
    message: says(
      `/ is not the subvolume that is rolled back, expected \${btrfs} with the option ${insideString(option)}`,
    ),
  };
}

function neededForBootAssertion(profile: Profile): Assertion {
  const mounts = renderNix([...bootMounts(profile).keys()]);
  return {
    holds: new Expression(
      `lib.all (mountPoint: utils.fsNeededForBoot config.fileSystems.\${mountPoint}) ${mounts}`,
    ),
    message: says("what users and kept state are made from must be neededForBoot; see fileSystems"),
  };
}

/** Users are made before stage 2 mounts anything; tools for secrets put theirs below /run. */
function missingPasswords({ users }: Profile): Attribute[] {
  if (Object.keys(users).length === 0) return [];
  const places = below(
    "[",
    '  "/run"',
    '  "/nix/store"',
    "]",
    "++ lib.attrNames (",
    '  lib.filterAttrs (place: each: place != "/" && utils.fsNeededForBoot each) config.fileSystems',
    ")",
  );
  const files = [
    "lib.filter (file: file != null && !isEarly file) (",
    "  lib.mapAttrsToList (_: user: user.hashedPasswordFile) config.users.users",
    ")",
  ];
  const early = `file: lib.any (place: lib.hasPrefix "\${place}/" file) earlyPlaces`;
  return [
    attribute(
      "earlyPlaces",
      places,
      "What survives, and is there when users are made: before stage 2 mounts anything.",
    ),
    attribute("isEarly", new Expression(early)),
    attribute("missingPasswords", new Expression(files.join("\n"))),
  ];
}

function passwordAssertions({ users }: Profile): Assertion[] {
  if (Object.keys(users).length === 0) return [];
  return [
    {
      holds: new Expression("missingPasswords == [ ]"),
      message: says(
        `\${toString missingPasswords} would not be there when users are made, expected password files on a surviving file system that is neededForBoot`,
      ),
    },
  ];
}

function rollbacks({ rollback }: Profile): Attribute {
  const comment = "Whatever works on subvolumes in stage 1 is taken for a rollback; one is ours.";
  const text =
    rollback.stage1 === "scripted"
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
  return attribute("rollbacks", new Expression(text.join("\n")), comment);
}

function rollbackAssertion({ rollback }: Profile): Assertion {
  const other =
    rollback.stage1 === "scripted"
      ? "a hook of boot.initrd"
      : "a unit of boot.initrd.systemd.services";
  return {
    holds: new Expression("rollbacks == 1"),
    message: says(`${other} works on btrfs subvolumes as well. Take the other rollback out`),
  };
}

/** nixos-generate-config names what is in use at the time, by a name of its own choice. */
function swapAssertions(profile: Profile, facts: DiskFacts): Assertion[] {
  const names = swapNames(profile, facts);
  if (names === undefined) return [];
  const message = says(`swapDevices has the profile's swap twice. ${WITHOUT_FILE_SYSTEMS}`);
  // By which names it could be called is not known: then it is the only one.
  if (names.length === 0) {
    return [{ holds: new Expression("lib.length config.swapDevices == 1"), message }];
  }
  const list = renderNix(names);
  const holds = `lib.count (each: lib.elem each.device ${list}) config.swapDevices == 1`;
  return [{ holds: new Expression(holds), message }];
}

function luksAssertions(profile: Profile, facts: DiskFacts): Assertion[] {
  if (profile.disk.encryption === undefined) return [];
  const name = luksName(profile, facts);
  const message = says(
    `boot.initrd.luks.devices has the profile's volume twice, or of another device. ${WITHOUT_FILE_SYSTEMS}`,
  );
  const devices = "lib.attrValues config.boot.initrd.luks.devices";
  if (!name.isKnown) {
    return [{ holds: new Expression(`lib.length (${devices}) == 1`), message }];
  }
  const holds = `lib.count (each: each.device == ${nixString(name.path)}) (${devices}) == 1`;
  return [{ holds: new Expression(holds), message }];
}

/** Bound where the profile itself doesn't keep them; another file may. */
function keepsIds(profile: Profile): Attribute[] {
  if (keepsIdMaps(profile)) return [];
  const mounted = `lib.any (place: config.fileSystems ? \${place}) idPlaces`;
  const preserved = [
    `  ${mounted}`,
    "  || lib.any (at: lib.any (each: lib.elem each.directory idPlaces) at.directories) (",
    "    lib.attrValues config.preservation.preserveAt",
    "  )",
  ];
  const isPreservation = profile.persist.module === "preservation";
  return [
    attribute(
      "idPlaces",
      [ID_MAPS, "/var/lib", "/var"],
      "Where NixOS notes which user and group had which number.",
    ),
    attribute("keepsIds", new Expression(isPreservation ? ["", ...preserved].join("\n") : mounted)),
  ];
}

function idMapWarnings(profile: Profile): Assertion[] {
  if (keepsIdMaps(profile)) return [];
  return [
    {
      holds: new Expression("keepsIds"),
      message: says(
        `${ID_MAPS} is not kept: users and groups without a fixed uid or gid may get another one with the next boot, and others their files`,
      ),
    },
  ];
}

function keepsIdMaps({ btrfs, persist }: Profile): boolean {
  const kept = [
    ...persist.directories.map(({ path }) => path),
    ...Object.values(btrfs.subvolumes).map(({ mount }) => mount),
  ];
  return kept.some((path) => isWithin(ID_MAPS, path));
}

function passwordWarnings({ users }: Profile): Assertion[] {
  if (Object.keys(users).length > 0) return [];
  return [
    {
      // Where they can't be changed on the machine, NixOS asks for one who can log in.
      holds: new Expression("!config.users.mutableUsers"),
      message: says(
        "the profile has no users, and what passwd(1) sets is gone with the next boot. Give users a hashedPasswordFile on a surviving file system",
      ),
    },
  ];
}

function negation({ text }: Expression): string {
  return text.startsWith("!") ? text.slice(1) : `(!${text})`;
}

/** A string that may hold antiquotations of ours; a profile's text comes in by insideString(). */
function says(text: string): Expression {
  return new Expression(`"blankroot: ${text}."`);
}
