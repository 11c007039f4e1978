/** doctor on trees as NixOS lays them out, with one thing spoilt at a time. */
import { describe, expect, test } from "bun:test";
import {
  chmodSync,
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { gzipSync } from "node:zlib";
import { KEEP_PARAMETER } from "../../lib/boot/stage1.ts";
import type { Finding } from "../../lib/doctor/finding.ts";
import { examination } from "../../tools/doctor-schema.ts";
import type { Ran } from "../support/blankroot.ts";
import { blankroot } from "../support/blankroot.ts";
import { makeBtrfs, sh } from "../support/disk.ts";
import { archive, plainSystemdInitrd, scriptedInitrd, systemdInitrd } from "../support/initrd.ts";
import { NixosMachine, resultOf, SYSTEM } from "../support/nixos.ts";
import { describePrivileged } from "../support/privileged.ts";

const BOOT_ID = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
const DONE = resultOf("done", BOOT_ID);
const PROFILE = "/nix/var/nix/profiles/system";

/** The checks that are not in order, each with its name and its state. */
function faults(ran: Ran): string[] {
  const { checks, sound } = examination.parse(JSON.parse(ran.stdout));
  const bad = checks.filter(({ state }) => state !== "ok");
  expect(sound).toBe(bad.length === 0);
  expect(ran.status).toBe(sound ? 0 : 1);
  return bad.map(({ name, state }) => (state === "failed" ? name : `${name} ${state}`));
}

function find(ran: Ran, name: Finding["name"]): string {
  const { checks } = examination.parse(JSON.parse(ran.stdout));
  const found = checks.find((check) => check.name === name);
  return `${found?.text} (${found?.advice})`;
}

describePrivileged("doctor --target", () => {
  test("finds a machine in order, and says so in a line for each check", () => {
    using nixos = new NixosMachine();
    const { status, stdout, stderr } = nixos.examineTarget();
    expect({ status, stdout }).toMatchObject({ status: 0 });
    expect(stdout.split("\n").filter((line) => !/^ok {7}\S/.test(line))).toEqual([""]);
    expect(stdout).toContain("ok       root-blank is read-only and empty\n");
    expect(stdout).toContain("starts it by initrd.target.wants\n");
    expect(stdout).toContain("ok       stage 1 mounts /, /nix, /persist\n");
    expect(stdout).toContain("ok       ada can log in and become root\n");
    expect(stderr).toContain("17 checks, all in order");
    expect(faults(nixos.examineTarget("--json"))).toEqual([]);
    expect(nixos.examineTarget("--quiet").stderr).toBe("");
  });

  type Spoil = (nixos: NixosMachine) => void;
  const btrfs = (...words: string[]) => sh(["btrfs", "--quiet", ...words]);
  const setReadOnly = (path: string, to: boolean) =>
    btrfs("property", "set", "-ts", path, "ro", String(to));

  test.each<[string, Spoil, string[], RegExp]>([
    [
      "a blank snapshot that is gone",
      ({ machine }) => btrfs("subvolume", "delete", machine.in("root-blank")),
      ["blank"],
      /has no subvolume root-blank \(make-subvols takes it\)/,
    ],
    [
      "a writable one",
      ({ machine }) => setReadOnly(machine.in("root-blank"), false),
      ["blank"],
      /is writable, and so no boot rolls back/,
    ],
    [
      "one that anybody may write to, at every boot",
      ({ machine }) => {
        setReadOnly(machine.in("root-blank"), false);
        chmodSync(machine.in("root-blank"), 0o777);
        setReadOnly(machine.in("root-blank"), true);
      },
      ["blank"],
      /with the mode 0777/,
    ],
    [
      "one that holds something",
      ({ machine }) => {
        setReadOnly(machine.in("root-blank"), false);
        writeFileSync(machine.in("root-blank/left"), "");
        setReadOnly(machine.in("root-blank"), true);
      },
      ["blank"],
      /is not empty/,
    ],
    [
      "an initrd of the other kind",
      (nixos) => nixos.writeInitrd(archive(scriptedInitrd(nixos.parameters()))),
      ["initrd"],
      /is scripted, the profile says systemd: units of the other kind are left out/,
    ],
    [
      "an initrd without the unit",
      (nixos) => nixos.writeInitrd(gzipSync(archive(plainSystemdInitrd()))),
      ["initrd"],
      /has no blankroot-rollback\.service/,
    ],
    [
      "a unit that nothing starts",
      (nixos) => {
        const files = systemdInitrd(nixos.parameters());
        nixos.writeInitrd(archive(files.filter(({ path }) => !path.includes(".wants/"))));
      },
      ["initrd"],
      /nothing starts it/,
    ],
    [
      "a unit without its text",
      (nixos) => {
        const files = systemdInitrd(nixos.parameters());
        nixos.writeInitrd(archive(files.filter(({ path }) => !path.includes("unit-script"))));
      },
      ["initrd"],
      /has the unit, but not the text that it runs/,
    ],
    [
      "a rollback of another profile",
      (nixos) => nixos.writeInitrd(archive(systemdInitrd({ ...nixos.parameters(), root: "@" }))),
      ["initrd"],
      /its blankroot_root is @, expected root/,
    ],
    [
      "a rollback of another disk",
      (nixos) => {
        const device = "/dev/disk/by-uuid/00000000-1111-2222-3333-444444444444";
        nixos.writeInitrd(archive(systemdInitrd({ ...nixos.parameters(), device })));
      },
      ["initrd"],
      /a rollback of another disk: its blankroot_device is \/dev\/disk\/by-uuid\/0000/,
    ],
    [
      "a rollback of a device that is another here",
      (nixos) => {
        const device = makeBtrfs(nixos.machine.scratch, "other", 128 * 1024 ** 2);
        nixos.writeInitrd(archive(systemdInitrd({ ...nixos.parameters(), device })));
      },
      ["initrd"],
      /a rollback of another disk: its blankroot_device is \/dev\/loop/,
    ],
    [
      "a root of another file system in fstab",
      (nixos) => nixos.writeFstab("x-initrd.mount", "/dev/disk/by-uuid/0"),
      ["needed-for-boot"],
      /stage 1 mounts something else: \/ is on \/dev\/disk\/by-uuid\/0, expected/,
    ],
    [
      "another root in fstab",
      (nixos) => nixos.writeFstab("x-initrd.mount", undefined, "subvol=@"),
      ["needed-for-boot"],
      /\/ is the subvolume @, expected root/,
    ],
    [
      "an initrd that can't be read",
      (nixos) => nixos.writeInitrd(Buffer.from("no archive")),
      ["initrd unknown"],
      /can't be read: no archive at byte 0/,
    ],
    [
      "no initrd",
      (nixos) => rmSync(nixos.file(`/nix/${SYSTEM}/initrd`)),
      ["initrd unknown"],
      /can't be read: there is none/,
    ],
    [
      "no system",
      (nixos) => rmSync(nixos.file(PROFILE)),
      ["initrd unknown", "needed-for-boot unknown"],
      /there is no system at/,
    ],
    [
      "a system that leads out of the tree",
      (nixos) => {
        rmSync(nixos.file(PROFILE));
        symlinkSync("../../../../../../../../etc", nixos.file(PROFILE));
      },
      ["initrd unknown", "needed-for-boot unknown"],
      /the initrd of the next boot can't be read: there is none/,
    ],
    [
      "a parameter that keeps every root",
      (nixos) => nixos.write(`/nix/${SYSTEM}/kernel-params`, `a ${KEEP_PARAMETER}\n`),
      ["kernel-parameter"],
      /each one after it/,
    ],
    [
      "/persist mounted too late",
      (nixos) => nixos.writeFstab("noatime"),
      ["needed-for-boot"],
      /doesn't mount \/persist: .*fileSystems\."\/persist"\.neededForBoot/,
    ],
    [
      "a subvolume that is not mounted",
      (nixos) => sh(["umount", nixos.file("/home")]),
      ["mounts"],
      /nothing is mounted at \/home/,
    ],
    [
      "a subvolume in another's place",
      (nixos) => {
        sh(["umount", nixos.file("/home")]);
        sh(["mount", "-o", "subvol=log", nixos.machine.device, nixos.file("/home")]);
      },
      ["mounts"],
      /\/home is the subvolume log/,
    ],
    [
      "another file system in a subvolume's place",
      (nixos) => sh(["mount", "-t", "tmpfs", "none", nixos.file("/var/log")]),
      ["mounts"],
      /\/var\/log is of another file system/,
    ],
    [
      "old roots that nothing prunes",
      ({ machine }) => btrfs("subvolume", "create", machine.in("old_roots/20200101T000000Z-a")),
      ["old-roots"],
      /1 old root should be gone by rollback\.keep: 20200101T000000Z-a/,
    ],
    [
      "a stranger where the next root is made",
      ({ machine }) => mkdirSync(machine.in("root.blankroot-next")),
      ["old-roots"],
      /is no snapshot of root-blank, and so no boot rolls back/,
    ],
    [
      "no persist subvolume",
      (nixos) => {
        sh(["umount", nixos.file("/persist")]);
        btrfs("subvolume", "delete", nixos.machine.in("persist"));
      },
      ["mounts", "persist-root", "password", "host-keys"],
      /nothing is mounted at \/persist/,
    ],
    [
      "a copy that is missing",
      (nixos) => {
        rmSync(nixos.file("/persist/etc/nixos"), { recursive: true });
        nixos.write("/etc/nixos/flake.nix", "{ }\n");
      },
      ["copies"],
      /1 listed path without a copy.*: \/etc\/nixos/,
    ],
    [
      "a copy with another mode than the profile says",
      (nixos) => chmodSync(nixos.file("/persist/var/lib/private/x"), 0o755),
      ["owners"],
      /x has the mode 0755, expected 0700/,
    ],
    [
      "a parent that is open to others",
      (nixos) => chmodSync(nixos.file("/persist/etc"), 0o777),
      ["parents"],
      /others may write to what holds the copies: \/persist\/etc \(0777\)/,
    ],
    [
      "a parent that is otherwise than in the root",
      (nixos) => chmodSync(nixos.file("/persist/var/lib/private"), 0o755),
      ["parents"],
      /\/persist\/var\/lib\/private has the mode 0755, expected 0700/,
    ],
    [
      "a parent that belongs to somebody else",
      (nixos) => chownSync(nixos.file("/persist/etc/ssh"), 1000, 100),
      ["parents"],
      /\/persist\/etc\/ssh belongs to 1000:100, expected 0:0/,
    ],
    [
      "a listed directory that anybody may write to",
      (nixos) => chmodSync(nixos.file("/persist/var/lib/nixos"), 0o777),
      ["owners"],
      /others may write to \/persist\/var\/lib\/nixos \(0777\)/,
    ],
    [
      "no machine-id",
      (nixos) => {
        rmSync(nixos.file("/persist/etc/machine-id"));
        nixos.write("/etc/machine-id", `${"0123456789abcdef".repeat(2)}\n`, 0o444);
      },
      ["copies", "machine-id"],
      /listed path without a copy.*: \/etc\/machine-id \(persist-copy copies them\)/,
    ],
    [
      "a machine-id that is none",
      (nixos) => nixos.write("/persist/etc/machine-id", "uninitialized\n"),
      ["machine-id"],
      /holds no id/,
    ],
    [
      "a machine-id of zeros",
      (nixos) => nixos.write("/persist/etc/machine-id", `${"0".repeat(32)}\n`),
      ["machine-id"],
      /holds no id/,
    ],
    [
      "no map of groups",
      (nixos) => rmSync(nixos.file("/persist/var/lib/nixos/gid-map")),
      ["id-maps"],
      /one of uid-map and gid-map without the other/,
    ],
    [
      "maps of users and groups without a copy",
      (nixos) => {
        for (const name of ["uid-map", "gid-map"]) {
          rmSync(nixos.file(`/persist/var/lib/nixos/${name}`));
          nixos.write(`/var/lib/nixos/${name}`, "{}\n");
        }
      },
      ["id-maps"],
      /its uid-map and gid-map are in the root.*\(persist-copy \/var\/lib\/nixos\)/,
    ],
    [
      "a password file that is missing",
      (nixos) => rmSync(nixos.file("/persist/passwords/ada")),
      ["password"],
      /\/persist\/passwords\/ada is not there: ada can't log in with a password/,
    ],
    [
      "one that holds the password itself",
      (nixos) => nixos.write("/persist/passwords/ada", "correct horse\n", 0o600),
      ["password"],
      /holds no hash/,
    ],
    [
      "one that others may read",
      (nixos) => chmodSync(nixos.file("/persist/passwords/ada"), 0o644),
      ["password"],
      /may be read by others \(mode 0644\) \(chmod 0600 /,
    ],
    [
      "one that anybody may put another in the place of",
      (nixos) => chmodSync(nixos.file("/persist/passwords"), 0o777),
      ["password"],
      /others than root may give ada another password, by .* \/persist\/passwords \(0, 0777\)/,
    ],
    [
      "one in a user's directory",
      (nixos) => chownSync(nixos.file("/persist/passwords"), 1000, 0),
      ["password"],
      /others than root may give ada another password, by .* \/persist\/passwords \(1000, 0755\)/,
    ],
    [
      "one that is empty",
      (nixos) => nixos.write("/persist/passwords/ada", "", 0o600),
      ["password"],
      /is empty/,
    ],
    [
      "one that is a link to another",
      (nixos) => {
        rmSync(nixos.file("/persist/passwords/ada"));
        symlinkSync("/etc/shadow", nixos.file("/persist/passwords/ada"));
      },
      ["password"],
      /is no file/,
    ],
    [
      "a host key that is missing",
      (nixos) => {
        rmSync(nixos.file("/persist/etc/ssh/ssh_host_ed25519_key"));
        nixos.write("/etc/ssh/ssh_host_ed25519_key", "secret\n", 0o600);
      },
      ["copies", "host-keys"],
      /listed path without a copy.*: \/etc\/ssh\/ssh_host_ed25519_key/,
    ],
    [
      "a host key that others may read",
      (nixos) => chmodSync(nixos.file("/persist/etc/ssh/ssh_host_ed25519_key"), 0o644),
      ["host-keys"],
      /has the mode 0644, expected 0600/,
    ],
    [
      "authorized keys that others may write",
      (nixos) => chmodSync(nixos.file("/home/ada"), 0o777),
      ["ssh"],
      /others may write to \/home\/ada \(mode 0777\)/,
    ],
  ])("sees %s", (_, spoil, expected, said) => {
    using nixos = new NixosMachine();
    spoil(nixos);
    const ran = nixos.examineTarget("--json");
    expect(faults(ran)).toEqual(expected);
    const first = expected[0]!.split(" ")[0] as Finding["name"];
    expect(find(ran, first)).toMatch(said);
    expect(`${ran.stdout}${ran.stderr}`).not.toMatch(/horse|\$y\$|secret/);
  });

  test("finds in order what nixos-install leaves: what is listed and not made yet is kept by the first boot", () => {
    using nixos = new NixosMachine();
    rmSync(nixos.file("/persist/etc"), { recursive: true });
    rmSync(nixos.file("/persist/var/lib/private/x"), { recursive: true });
    // impermanence makes the links at once.
    symlinkSync(
      "/persist/etc/ssh/ssh_host_ed25519_key",
      nixos.file("/etc/ssh/ssh_host_ed25519_key"),
    );
    const ran = nixos.examineTarget("--json");
    expect(faults(ran)).toEqual([]);
    expect(find(ran, "copies")).toContain("1 listed path with a copy; not made yet, and kept");
    expect(find(ran, "machine-id")).toContain("the next boot makes one and keeps it");
    expect(find(ran, "host-keys")).toContain("sshd makes and keeps it");
  });

  test("says on such a machine what is not listed", () => {
    using nixos = new NixosMachine(
      NixosMachine.tables.replace(/^files = .*$/m, "files = []").replace('"/var/lib/nixos", ', ""),
    );
    rmSync(nixos.file("/persist/etc"), { recursive: true });
    const ran = nixos.examineTarget("--json");
    expect(faults(ran)).toEqual(["machine-id", "id-maps", "host-keys"]);
    for (const name of ["machine-id", "id-maps", "host-keys"] as const) {
      expect(find(ran, name)).toMatch(/\(list /);
    }
  });

  test("counts a hash that others may read as a leak, and nobody as locked out", () => {
    using nixos = new NixosMachine(
      NixosMachine.tables
        .replace(/^keys = .*$/m, "keys = []")
        .replace("enable = true", "enable = false"),
    );
    chmodSync(nixos.file("/persist/passwords/ada"), 0o644);
    expect(faults(nixos.examineTarget("--json"))).toEqual(["password"]);
  });

  test("takes a scripted initrd for one where the profile says so", () => {
    using nixos = new NixosMachine(
      `${NixosMachine.tables.replace("keep = {", 'stage1 = "scripted"\nkeep = {')}`,
    );
    nixos.writeInitrd(gzipSync(archive(scriptedInitrd(nixos.parameters()))));
    expect(faults(nixos.examineTarget("--json"))).toEqual([]);
    nixos.writeInitrd(gzipSync(archive(scriptedInitrd())));
    const ran = nixos.examineTarget("--json");
    expect(faults(ran)).toEqual(["initrd"]);
    expect(find(ran, "initrd")).toContain("has no hook of ours");
  });

  test("sees that another subvolume is mounted there, and shows no name that drives a terminal", () => {
    using nixos = new NixosMachine();
    const name = "x\u001b[2J";
    sh(["btrfs", "--quiet", "subvolume", "create", nixos.machine.in(name)]);
    const dir = nixos.machine.scratch.mkdir("other");
    sh(["mount", "-o", `subvol=${name}`, nixos.machine.device, dir]);
    const { stdout, status } = nixos.machine.run("doctor", "--target", dir);
    expect(stdout).toMatch(
      /^failed {3}\S+ is btrfs \(\/dev\/loop\d+, \/x\\x1b\[2J\), expected the subvol/,
    );
    expect(status).toBe(1);
  });

  test("refuses what is no subvolume", () => {
    using nixos = new NixosMachine();
    const { profile } = nixos.machine;
    const target = (dir: string) => blankroot(["doctor", "--profile", profile, "--target", dir]);
    expect(target("/proc").status).toBe(3);
    expect(target(nixos.file("/etc")).status).toBe(3);
    expect(target("/nonexistent").status).toBe(2);
    expect(blankroot(["doctor", "--profile", profile, "/"]).status).toBe(2);
  });
});

describePrivileged("doctor on the running system", () => {
  test("finds it in order after a boot that rolled back", () => {
    using nixos = new NixosMachine();
    const ran = nixos.runWithin("doctor", { result: DONE }, "--json");
    expect({ stderr: ran.stderr, faults: faults(ran) }).toMatchObject({ faults: [] });
    expect(find(ran, "wiped")).toBe(
      "the root was wiped at this boot: it is a snapshot of root-blank (null)",
    );
  });

  describe("sees that the root was not wiped:", () => {
    test.each<[string, string | undefined, string, RegExp]>([
      ["no result", undefined, "quiet", /no rollback left a result at this boot/],
      ["another boot's", resultOf("done", "0"), "quiet", /result is of another boot/],
      ["a failure", resultOf("failed", BOOT_ID, "no blank"), "quiet", /rollback failed: no blank/],
      ["a skip", resultOf("skipped", BOOT_ID), "quiet", /was skipped, though/],
      ["no result that can be read", "outcome=won\n", "quiet", /its outcome is "won"/],
      ["a boot that was asked to", DONE, `a ${KEEP_PARAMETER}`, /was to be kept at this boot/],
    ])("%s", (_, result, commandLine, said) => {
      using nixos = new NixosMachine();
      const ran = nixos.runWithin("doctor", { result, commandLine }, "--json");
      expect(faults(ran)).toEqual(["wiped"]);
      expect(find(ran, "wiped")).toMatch(said);
    });
  });

  test("believes no result where the root is no snapshot of the blank one", () => {
    using nixos = new NixosMachine();
    const { machine } = nixos;
    const blank = machine.in("root-blank");
    sh(["btrfs", "--quiet", "subvolume", "delete", blank]);
    const empty = machine.in("empty");
    sh(["btrfs", "--quiet", "subvolume", "create", empty]);
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", empty, blank]);
    const ran = nixos.runWithin("doctor", { result: DONE }, "--json");
    expect(faults(ran)).toEqual(["wiped"]);
    expect(find(ran, "wiped")).toContain("but root is no snapshot of root-blank");
  });

  test("looks into the initrd of this boot, too, where it is another", () => {
    using nixos = new NixosMachine();
    const other = "store/00000000000000000000000000000009-nixos-system-test";
    nixos.writeInitrd(archive(plainSystemdInitrd()), `${other}/initrd`);
    nixos.bootFrom(`/nix/${other}`);
    const ran = nixos.runWithin("doctor", { result: undefined }, "--json");
    expect(faults(ran)).toEqual(["wiped", "booted-initrd"]);
    expect(find(ran, "booted-initrd")).toContain("the initrd of this boot has no blankroot-");
  });

  test("finds a root that isn't the profile's, and looks at the profile's all the same", () => {
    using nixos = new NixosMachine();
    const ran = nixos.machine.run("doctor", "--json");
    const found = faults(ran);
    expect(found.slice(0, 2)).toEqual(["root", "wiped"]);
    expect(found).not.toContain("blank");
    expect(find(ran, "root")).toMatch(
      /^\/ is (?!btrfs).*, expected the subvolume root of \/dev\/loop/,
    );
    expect(find(ran, "root")).toContain("on an installer, --target DIR");
    expect(find(ran, "password")).toContain("has the password's hash of ada");
  });

  test("does so where the root is in memory, as the persist root is mounted", () => {
    using nixos = new NixosMachine();
    const { scratch, device } = nixos.machine;
    const dir = scratch.mkdir("memory");
    sh(["mount", "-t", "tmpfs", "none", dir]);
    for (const name of ["nix", "persist"]) {
      mkdirSync(`${dir}/${name}`);
      sh(["mount", "-o", `subvol=${name}`, device, `${dir}/${name}`]);
    }
    const ran = nixos.runWithin("doctor", { result: DONE, dir }, "--json");
    expect(faults(ran)).toEqual(["root", "wiped", "mounts"]);
    expect(find(ran, "root")).toStartWith("/ is tmpfs (none, /), expected the subvolume root of");
    expect(find(ran, "wiped")).toContain("wiped the root, but / is another");
  });

  test("finds that the profile's disk isn't there, and says what that leaves untold", () => {
    using nixos = new NixosMachine();
    const { machine } = nixos;
    const text = readFileSync(machine.profile, "utf8");
    writeFileSync(machine.profile, text.replaceAll(machine.device, "/dev/blankroot-none"));
    const ran = nixos.runWithin("doctor", { result: DONE }, "--json");
    expect(faults(ran)).toEqual([
      "root",
      "blank unknown",
      "wiped",
      "mounts unknown",
      "old-roots unknown",
      "persist-root unknown",
      "login unknown",
    ]);
    expect(JSON.parse(ran.stdout).device).toBeNull();
    expect(find(ran, "blank")).toContain("can't be told: Cannot use /dev/blankroot-none as a disk");
    expect(find(ran, "initrd")).toContain("leads nowhere here, and was not compared");
  });
});
