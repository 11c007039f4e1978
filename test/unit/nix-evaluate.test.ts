import { afterAll, describe, expect, test } from "bun:test";
import { type DiskFacts, NO_DISK } from "../../lib/nix/disk-names.ts";
import { renderConfiguration } from "../../lib/nix/render.ts";
import type { Profile } from "../../lib/profile.ts";
import { Scratch } from "../support/disk.ts";
import { exampleProfile } from "../support/example.ts";
import { type Case, type Evaluated, evaluateModules, NIX_PROGRAMS } from "../support/nix.ts";
import { hasType, optionFaults, RELEASES, readOptions } from "../support/nix-options.ts";
import { combinations, DISK } from "../support/nix-profiles.ts";
import { describeUnless, missingProgram } from "../support/privileged.ts";

const all = combinations();

function caseOf(profile: Profile, facts: DiskFacts = NO_DISK, others: string[] = []): Case {
  const options = { full: undefined, binaryWith: undefined };
  return { files: renderConfiguration(profile, facts, options), others };
}

const systemd = exampleProfile();
const encrypted = exampleProfile({
  disk: { encryption: { mapper: "cryptroot" }, device: "/dev/disk/by-id/virtio-1" },
});
const scripted = exampleProfile({ rollback: { stage1: "scripted" } });
const preserved = exampleProfile({ persist: { module: "preservation" } });
const withoutMaps = {
  ...systemd,
  persist: { ...systemd.persist, directories: [] },
};
const withoutUsers: Profile = { ...systemd, users: {} };
const withoutNix = exampleProfile({
  btrfs: { subvolumes: { persist: { mount: "/persist", options: [] } } },
});
const uuid = `/dev/disk/by-uuid/${DISK.btrfs}`;

/** What other files of a configuration say, and what is then said of it. */
const clashes: [name: string, base: Case, message: RegExp][] = [
  [
    "a full hardware-configuration.nix, by the same UUIDs",
    caseOf(systemd, DISK, [
      `{ fileSystems."/" = { device = "${uuid}"; fsType = "btrfs"; options = [ "subvol=root" ]; };
         fileSystems."/boot" = { device = "/dev/disk/by-uuid/${DISK.esp}"; fsType = "vfat"; }; }`,
    ]),
    /another file defines \/ \/boot as well/,
  ],
  [
    "swap once more, by its UUID",
    caseOf(systemd, DISK, [
      `{ swapDevices = [ { device = "/dev/disk/by-uuid/${DISK.swap?.area}"; } ]; }`,
    ]),
    /swapDevices has the profile's swap twice/,
  ],
  [
    "swap once more, where no UUID is known",
    caseOf(systemd, NO_DISK, [`{ swapDevices = [ { device = "/dev/disk/by-uuid/1-2"; } ]; }`]),
    /swapDevices has more than the profile's swap/,
  ],
  [
    "the swap file once more",
    caseOf(exampleProfile({ disk: { swap: { kind: "file", size: 1024 ** 3 } } }), DISK, [
      `{ swapDevices = [ { device = "/swap/swapfile"; } ]; }`,
    ]),
    /swapDevices has the profile's swap twice/,
  ],
  [
    "the LUKS volume once more, by another name",
    caseOf(encrypted, DISK, [
      `{ boot.initrd.luks.devices.luks.device = "/dev/disk/by-uuid/${DISK.luks}"; }`,
    ]),
    /luks\.devices has the profile's volume twice/,
  ],
  [
    "the LUKS volume once more, where no UUID is known",
    caseOf(encrypted, NO_DISK, [`{ boot.initrd.luks.devices.a.device = "/dev/disk/by-uuid/1"; }`]),
    /luks\.devices has more than the profile's volume/,
  ],
  [
    "the other stage 1",
    caseOf(systemd, DISK, ["{ lib, ... }: { boot.initrd.systemd.enable = lib.mkForce false; }"]),
    /rollback\.stage1 of the profile is systemd/,
  ],
  [
    "systemd in the place of the scripted stage 1",
    caseOf(scripted, DISK, ["{ lib, ... }: { boot.initrd.systemd.enable = lib.mkForce true; }"]),
    /rollback\.stage1 of the profile is scripted/,
  ],
  [
    "another unit that rolls back",
    caseOf(systemd, DISK, [
      `{ boot.initrd.systemd.services.wipe.script = "btrfs subvolume delete /mnt/root"; }`,
    ]),
    /a unit of boot\.initrd\.systemd\.services works on btrfs subvolumes as well/,
  ],
  ...["preLVMCommands", "postDeviceCommands", "postResumeCommands", "postMountCommands"].map(
    (hook): [string, Case, RegExp] => [
      `another hook that rolls back, ${hook}`,
      caseOf(scripted, DISK, [
        `{ boot.initrd.${hook} = "btrfs subvolume snapshot root-blank root"; }`,
      ]),
      /a hook of boot\.initrd works on btrfs subvolumes as well/,
    ],
  ),
  [
    "/ from another subvolume",
    caseOf(systemd, DISK, [
      `{ lib, ... }: { fileSystems."/".options = lib.mkForce [ "subvol=other" ]; }`,
    ]),
    /\/ is not the subvolume that is rolled back, expected .* with the option subvol=root/,
  ],
  [
    "the persist root not needed for boot",
    caseOf(withoutUsers, DISK, [
      `{ lib, ... }: { fileSystems."/persist".neededForBoot = lib.mkForce false; }`,
    ]),
    /must be neededForBoot/,
  ],
  [
    "nothing that holds the store",
    caseOf(withoutNix, DISK),
    /\/nix\/store is on the root, and gone with the next boot/,
  ],
  [
    "a password file that is wiped",
    caseOf(systemd, DISK, [`{ users.users.other.hashedPasswordFile = "/etc/other"; }`]),
    /\/etc\/other would not be there when users are made/,
  ],
];

/** What other files may say. */
const additions: [name: string, base: Case][] = [
  [
    "an option more for /",
    caseOf(systemd, DISK, [`{ fileSystems."/".options = [ "discard=async" ]; }`]),
  ],
  [
    "another file system and other swap",
    caseOf(systemd, DISK, [
      `{ fileSystems."/data" = { device = "/dev/sdb1"; fsType = "ext4"; };
         swapDevices = [ { device = "/dev/sdb2"; } ]; }`,
    ]),
  ],
  ["an empty list of swap", caseOf(systemd, NO_DISK, ["{ swapDevices = [ ]; }"])],
  [
    "another LUKS volume",
    caseOf(encrypted, DISK, [`{ boot.initrd.luks.devices.data.device = "/dev/sdb1"; }`]),
  ],
  [
    "a password from a tool for secrets",
    caseOf(systemd, DISK, [`{ users.users.other.hashedPasswordFile = "/run/secrets/other"; }`]),
  ],
  [
    "another unit in stage 1",
    caseOf(systemd, DISK, [`{ boot.initrd.systemd.services.other.script = "btrfs device scan"; }`]),
  ],
  [
    "the store on another disk",
    caseOf(withoutNix, DISK, [
      `{ fileSystems."/nix" = { device = "/dev/sdb1"; fsType = "xfs"; }; }`,
    ]),
  ],
  [
    "an ESP on another disk",
    caseOf(systemd, DISK, [
      `{ lib, ... }: { fileSystems."/boot".device = lib.mkForce "/dev/sdb1"; }`,
    ]),
  ],
  [
    "the machine that build-vm makes",
    caseOf(encrypted, DISK, [
      `{ lib, ... }: {
         virtualisation.qemu.options = [ ];
         fileSystems = lib.mkVMOverride { "/" = { device = "/dev/vda"; fsType = "ext4"; }; };
         swapDevices = lib.mkVMOverride [ ];
         boot.initrd.luks.devices = lib.mkVMOverride { }; }`,
    ]),
  ],
  ["another name of the machine", caseOf(systemd, DISK, [`{ networking.hostName = "other"; }`])],
];

const warned: [name: string, base: Case, message: RegExp][] = [
  ["uid maps that are not kept", caseOf(withoutMaps), /\/var\/lib\/nixos is not kept/],
  [
    "uid maps that preservation doesn't keep",
    caseOf({ ...preserved, persist: { ...preserved.persist, directories: [] } }),
    /\/var\/lib\/nixos is not kept/,
  ],
  ["no users", caseOf(withoutUsers), /the profile has no users/],
];

const unwarned: [name: string, base: Case][] = [
  [
    "uid maps that another file keeps",
    caseOf(withoutMaps, NO_DISK, [`{ fileSystems."/var/lib/nixos".device = "/persist/ids"; }`]),
  ],
  [
    "uid maps that another file preserves",
    caseOf({ ...preserved, persist: { ...preserved.persist, directories: [] } }, NO_DISK, [
      `{ preservation.preserveAt."/other".directories = [ { directory = "/var/lib"; } ]; }`,
    ]),
  ],
  [
    "users that another file has",
    caseOf(withoutUsers, NO_DISK, ["{ users.mutableUsers = false; }"]),
  ],
];

const conflict = caseOf(systemd, DISK, [`{ fileSystems."/".device = "/dev/vda3"; }`]);

describeUnless(missingProgram(NIX_PROGRAMS), "blankroot.nix", () => {
  const scratch = new Scratch();
  afterAll(() => scratch[Symbol.dispose]());
  const cases = () =>
    Object.fromEntries<Case>([
      ...all.map(({ name, profile, facts }): [string, Case] => [name, caseOf(profile, facts)]),
      ...[...clashes, ...additions, ...warned, ...unwarned].map(([name, base]): [string, Case] => [
        name,
        base,
      ]),
      ["conflict", conflict],
    ]);
  // All in one call, at the first question.
  let evaluated: Record<string, Evaluated> | undefined;
  const of = (name: string): Evaluated => {
    evaluated ??= evaluateModules(scratch, cases());
    return evaluated[name]!;
  };

  test("evaluates in every combination, and all it asserts holds", () => {
    expect(all.length).toBe(72);
    for (const { name } of all) {
      expect([name, of(name).error, of(name).failed]).toEqual([name, undefined, []]);
      expect(of(name).messages).toBeGreaterThan(4);
    }
  });

  test.each([...RELEASES])(
    "defines only options of NixOS %s, by values of their types",
    (release) => {
      const options = readOptions(release);
      for (const { name } of all) {
        expect([name, ...optionFaults(options, of(name).definitions)]).toEqual([name]);
      }
    },
  );

  test.each(clashes)("fails to evaluate beside %s", (name, _, message) => {
    expect(of(name).failed).toHaveLength(1);
    expect(of(name).failed[0]).toMatch(message);
  });

  test.each(additions)("evaluates beside %s", (name) => {
    expect([of(name).error, of(name).failed]).toEqual([undefined, []]);
  });

  test("rolls nothing back in the machine that build-vm makes, and keeps nothing", () => {
    const { definitions } = of("the machine that build-vm makes");
    const { boot, environment } = definitions as Record<string, Record<string, unknown>>;
    const units = (boot!.initrd as { systemd: { services: Record<string, object> } }).systemd
      .services;
    expect(units["blankroot-rollback"]).toEqual({});
    for (const unit of Object.values(units)) expect(unit).not.toHaveProperty("script");
    expect(environment!.persistence).toEqual({ "/persist": {} });
  });

  test.each(warned)("warns of %s", (name, _, message) => {
    expect(of(name).warnings).toHaveLength(1);
    expect(of(name).warnings[0]).toMatch(message);
  });

  test.each(unwarned)("has no warning for %s", (name) => {
    expect([of(name).failed, of(name).warnings]).toEqual([[], []]);
  });

  test("conflicts with another device for /", () => {
    expect(of("conflict").error).toBe(true);
  });
});

describe("optionFaults() finds", () => {
  const options = readOptions("26.05");
  test.each<[string, Record<string, unknown>, RegExp]>([
    ["a name that no option has", { boot: { initrd: { systemD: {} } } }, /systemD is no option/],
    ["a name of a release before", { systemd: { sleep: { extraConfig: "" } } }, /is no option/],
    [
      "a name in a submodule",
      { fileSystems: { "/": { dev: "/dev/vda" } } },
      /fileSystems\.\/\.dev is no option/,
    ],
    ["a name in a list", { swapDevices: [{ path: "/swap" }] }, /swapDevices\.0\.path is no option/],
    ["text for a boolean", { users: { mutableUsers: "no" } }, /expected boolean/],
    ["text for a list", { boot: { kernelParams: "quiet" } }, /expected list of string/],
    ["an empty list of options", { fileSystems: { "/": { options: [] } } }, /expected non-empty/],
    [
      "a unit's name without its type",
      { systemd: { services: { a: { after: ["network"] } } } },
      /expected list of string matching/,
    ],
    [
      "a set for a unit's setting",
      { systemd: { services: { a: { serviceConfig: { A: {} } } } } },
      /expected/,
    ],
    [
      "another word",
      { services: { openssh: { settings: { PermitRootLogin: "never" } } } },
      /expected/,
    ],
    [
      "a set among sshd's settings",
      { services: { openssh: { settings: { Other: {} } } } },
      /Other/,
    ],
    ["a release that is none", { system: { stateVersion: "26.5" } }, /expected string matching/],
  ])("%s", (_, definitions, message) => {
    expect(optionFaults(options, definitions).join("\n")).toMatch(message);
  });

  test("nothing in what is right", () => {
    const right = {
      boot: { initrd: { supportedFilesystems: { btrfs: true } } },
      systemd: {
        services: { a: { after: ["dev-disk-by\\x2duuid-1.device"], path: ["package a"] } },
      },
      swapDevices: [{ device: "/dev/vda2", randomEncryption: { enable: true } }],
      environment: { persistence: { "/persist": { directories: ["/a", { directory: "/b" }] } } },
    };
    expect(optionFaults(options, right)).toEqual([]);
  });

  test("that a type is not known to it", () => {
    expect(() => hasType("list of things", [1])).toThrow(/not known/);
  });
});
