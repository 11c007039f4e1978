import { afterAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import {
  btrfsName,
  type DiskFacts,
  labelPath,
  luksName,
  NO_DISK,
  swapName,
} from "../../lib/nix/disk-names.ts";
import { MODULE_FILE } from "../../lib/nix/module.ts";
import { listAttributes } from "../../lib/nix/persistence.ts";
import { type RenderOptions, renderConfiguration } from "../../lib/nix/render.ts";
import { renderAttributes } from "../../lib/nix/text.ts";
import type { Profile } from "../../lib/profile.ts";
import { Scratch } from "../support/disk.ts";
import { exampleProfile } from "../support/example.ts";
import { NIX_PROGRAMS, parse } from "../support/nix.ts";
import { DISK } from "../support/nix-profiles.ts";
import { describeUnless, missingProgram } from "../support/privileged.ts";

const PLAIN: RenderOptions = { full: undefined, binaryWith: undefined };

function moduleOf(profile: Profile, facts = DISK, options = PLAIN): string {
  const files = renderConfiguration(profile, facts, options);
  return files.find(({ name }) => name === MODULE_FILE)!.text;
}

const encrypted = { mapper: "cryptroot" };
const everything = exampleProfile({
  disk: { encryption: encrypted, swap: { kind: "file", size: 8 * 1024 ** 3 } },
  rollback: { stage1: "scripted", on_failure: "stop", login: true },
  host: { network: "networkd" },
  users: { root: { wheel: false, keys: ["ssh-ed25519 AAAA root"] } } as Profile["users"],
});

describe("renderConfiguration() gives", () => {
  test("the module of the documented example", () => {
    expect(moduleOf(exampleProfile(), NO_DISK)).toMatchSnapshot();
  });

  test("a scripted stage 1 with LUKS and a swap file", () => {
    expect(moduleOf(everything)).toMatchSnapshot();
  });

  test("preservation, LUKS and swap with a new key at each boot", () => {
    const profile = exampleProfile({
      disk: { encryption: encrypted },
      persist: { module: "preservation", directories: [{ path: "/etc/nixos" }] },
    });
    expect(moduleOf({ ...profile, users: {} })).toMatchSnapshot();
  });

  test("a whole configuration, as a flake and without one", () => {
    for (const full of ["flake", "channels"] as const) {
      const files = renderConfiguration(exampleProfile(), DISK, {
        full,
        binaryWith: { file: "config.toml", source: "/etc/nixos/config.toml" },
      });
      const more = files.filter(({ name }) => !name.endsWith(".sh"));
      expect(more.map(({ name, text }) => `${name}:\n${text}`).join("\n")).toMatchSnapshot();
    }
  });

  test("the very text that was tested, behind its parameters", () => {
    const text = (name: string) =>
      readFileSync(join(import.meta.dir, "../../lib/boot", name), "utf8");
    const files = renderConfiguration(exampleProfile({ rollback: { login: true } }), DISK, PLAIN);
    for (const name of ["rollback.sh", "machine-id.sh", "prune.sh", "check.sh", "login.sh"]) {
      expect(files.find((file) => file.name === name)?.text.endsWith(`\n${text(name)}`)).toBe(true);
    }
  });

  test("nothing for a machine id that is not kept", () => {
    const profile = exampleProfile({ persist: { files: [] } });
    const files = renderConfiguration(profile, DISK, PLAIN);
    expect(files.map(({ name }) => name)).not.toContain("machine-id.sh");
    expect(files[0]!.text).not.toContain("machine-id");
  });

  test("a refusal of a name that a scripted stage 1 would replace", () => {
    const profile = exampleProfile({
      rollback: { stage1: "scripted" },
      btrfs: { root: "@root@" },
    });
    expect(() => renderConfiguration(profile, DISK, PLAIN)).toThrow(/a name holds "@root@"/);
    const usual = exampleProfile({ rollback: { stage1: "scripted" }, btrfs: { root: "@" } });
    expect(moduleOf(usual)).toContain('"subvol=@"');
  });
});

describe("a device is called", () => {
  const odd = { label: 'My "disk" é' };
  test.each<[string, Profile, typeof DISK, (typeof btrfsName)[], string]>([
    ["by UUID", exampleProfile(), DISK, [btrfsName], `/dev/disk/by-uuid/${DISK.btrfs}`],
    ["by label", exampleProfile(), NO_DISK, [btrfsName], "/dev/disk/by-label/Butter"],
    [
      "by a label as udev writes it",
      exampleProfile({ disk: odd }),
      NO_DISK,
      [btrfsName],
      "/dev/disk/by-label/My\\x20\\x22disk\\x22\\x20é",
    ],
    [
      "by its number where a scripted stage 1 could not read that",
      exampleProfile({ disk: odd, rollback: { stage1: "scripted" } }),
      NO_DISK,
      [btrfsName],
      "/dev/vda3",
    ],
    [
      "as the profile has it",
      exampleProfile({ btrfs: { device: "/dev/sdb1" } }),
      DISK,
      [btrfsName],
      "/dev/sdb1",
    ],
    [
      "as it is opened",
      exampleProfile({ disk: { encryption: encrypted } }),
      DISK,
      [btrfsName],
      "/dev/mapper/cryptroot",
    ],
    [
      "by its number on a disk by id",
      exampleProfile({ disk: { device: "/dev/disk/by-id/nvme-a", encryption: encrypted } }),
      NO_DISK,
      [luksName],
      "/dev/disk/by-id/nvme-a-part3",
    ],
    [
      "by its number on NVMe, without swap",
      exampleProfile({
        disk: { device: "/dev/nvme0n1", encryption: encrypted, swap: undefined },
      }),
      NO_DISK,
      [luksName],
      "/dev/nvme0n1p2",
    ],
    [
      "by PARTUUID, for swap",
      exampleProfile(),
      DISK,
      [swapName],
      `/dev/disk/by-partuuid/${DISK.swap?.partition}`,
    ],
    [
      "by its number, for swap with a new key at each boot",
      exampleProfile({ disk: { encryption: encrypted } }),
      NO_DISK,
      [swapName],
      "/dev/vda2",
    ],
  ])("%s", (_, profile, facts, [nameOf], path) => {
    expect(nameOf!(profile, facts).path).toBe(path);
  });

  test("by nothing that may change, for swap that is made anew at every boot", () => {
    const disk = { encryption: encrypted, device: "/dev/nvme0n1" };
    const render = (profile: Profile, facts: DiskFacts) =>
      renderConfiguration(profile, facts, { full: undefined, binaryWith: undefined });
    expect(() => render(exampleProfile({ disk }), NO_DISK)).toThrow(
      /anew at every boot on \/dev\/nvme0n1p2, which may be of another disk/,
    );
    render(exampleProfile({ disk }), DISK);
    render(exampleProfile({ disk: { ...disk, device: "/dev/disk/by-id/nvme-a" } }), NO_DISK);
  });

  test("by labelPath() alike for any character of ASCII", () => {
    expect(labelPath("a#+-.:=@_Z9")).toBe("/dev/disk/by-label/a#+-.:=@_Z9");
    expect(labelPath("a/b~")).toBe("/dev/disk/by-label/a\\x2fb\\x7e");
  });
});

describeUnless(missingProgram(NIX_PROGRAMS), "nix-instantiate --parse takes", () => {
  const scratch = new Scratch();
  afterAll(() => scratch[Symbol.dispose]());

  test("every file of a whole configuration", () => {
    for (const full of ["flake", "channels"] as const) {
      for (const profile of [exampleProfile(), everything]) {
        parse(
          scratch,
          renderConfiguration(profile, NO_DISK, {
            full,
            binaryWith: { file: "config.toml", source: "/etc/nixos/config.toml" },
          }),
        );
      }
    }
  });

  test("entries alone, in a module of their own", () => {
    for (const profile of [exampleProfile(), everything]) {
      const entries = renderAttributes(listAttributes(profile)).join("\n");
      parse(scratch, [{ name: "entries.nix", text: `{\n${entries}\n}\n` }]);
    }
  });

  test("no half a module", () => {
    const half = moduleOf(everything).slice(0, -3);
    expect(() => parse(scratch, [{ name: MODULE_FILE, text: half }])).toThrow(/syntax error/);
  });
});
