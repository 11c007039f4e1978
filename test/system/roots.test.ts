import { expect, test } from "bun:test";
import { mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { openRoots, type Roots, type RootsRequest } from "../../lib/host/roots.ts";
import { readProfile } from "../../lib/profile/read.ts";
import { mountAt, sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";
import { runWithin } from "../support/within.ts";

describePrivileged("openRoots()", () => {
  test("opens a disk that is mounted nowhere, and leaves no mount", async () => {
    using machine = filled();
    sh(["umount", machine.top]);
    const before = mountinfo();
    {
      using roots = await open(machine);
      expect(names(roots.root)).toEqual(["etc", "home"]);
      expect(names(roots.base!)).toEqual([]);
      expect(names(roots.persist!.fd)).toEqual(["etc"]);
      expect(roots.persist!.path).toBe("/persist");
      expect(roots.source).toBe(
        `the root on the profile's disk (${machine.device}, subvolume root, blank root-blank)`,
      );
      expect(texts(roots.live)).toEqual([]);
      expect(mountinfo()).toBe(before);
    }
    // Nothing holds the device any longer.
    sh(["mkfs.btrfs", "--quiet", "--force", machine.device]);
  });

  test("writes to the persist root where that was asked for, and only then", async () => {
    using machine = filled();
    sh(["umount", machine.top]);
    {
      using roots = await open(machine, { access: "read-write" });
      writeFileSync(`/proc/self/fd/${roots.persist!.fd}/new`, "");
      expect(() => writeFileSync(`/proc/self/fd/${roots.root}/new`, "")).toThrow("EROFS");
    }
    using roots = await open(machine);
    expect(names(roots.persist!.fd)).toContain("new");
    expect(() => writeFileSync(`/proc/self/fd/${roots.persist!.fd}/newer`, "")).toThrow("EROFS");
  });

  test("sees beneath the mounts of a mounted tree, and names its mount points", async () => {
    using machine = filled();
    const host = machine.mount();
    mkdirSync(`${host}/with space`);
    sh(["mount", "-t", "tmpfs", "tmpfs", `${host}/with space`]);
    mkdirSync(`${host}/home/inner`);
    sh(["mount", "-t", "tmpfs", "tmpfs", `${host}/home/inner`]);
    const live = ["/home", "/nix", "/persist", "/var/log", "/with space"];
    for (const request of [{}, { root: host }, { root: host, profile: undefined }]) {
      using roots = await open(machine, request);
      expect(readFileSync(`/proc/self/fd/${roots.root}/home/beneath`, "utf8")).toBe(
        "/home/beneath\n",
      );
      expect(texts(roots.live)).toEqual(live);
    }
    using roots = await open(machine);
    expect(texts(roots.mountPoints)).toEqual([...live, "/boot", "/etc/nixos", "/etc/machine-id"]);
  });

  test("knows a subvolume's mount points when another place of it is named", async () => {
    using machine = filled();
    machine.mount();
    using roots = await open(machine, { root: machine.in("root"), profile: undefined });
    expect(texts(roots.live)).toContain("/var/log");
    expect(roots.source).toContain(`the root at ${machine.in("root")} (`);
  });

  test("takes a persist root that is a directory within its subvolume", async () => {
    using machine = filled();
    machine.write("persist", "/deep/state/x");
    machine.writeProfile('[persist]\nroot = "/persist/deep/state"\n');
    using roots = await open(machine);
    expect(names(roots.persist!.fd)).toEqual(["x"]);
  });

  test("follows no symlink to the persist root", async () => {
    using machine = filled();
    symlinkSync("/etc", machine.in("persist/planted"));
    machine.writeProfile('[persist]\nroot = "/persist/planted"\n');
    using roots = await open(machine);
    expect(roots.persist).toBeUndefined();
  });

  test("knows a file system that ended in a crash, and leaves its log alone", async () => {
    using machine = filled();
    const file = machine.in("root/synced");
    sh(["btrfs", "filesystem", "sync", machine.top]);
    sh(["sh", "-c", 'echo last > "$1" && sync "$1"', "sh", file]);
    // As the disk is at this moment, should power be lost.
    const crashed = readFileSync(machine.device);
    sh(["umount", machine.top]);
    expect((await open(machine))[Symbol.dispose]()).toBeUndefined();
    writeFileSync(machine.device, crashed);
    {
      using roots = await open(machine);
      expect([roots.isBehind, names(roots.root)]).toEqual([true, ["etc", "home"]]);
    }
    expect(machine.run("fs-diff").stderr).toContain("was not unmounted cleanly");
    expect(readFileSync(machine.device).equals(crashed)).toBe(true);
    mountAt(machine.scratch, "again", machine.device);
    using roots = await open(machine);
    expect([roots.isBehind, names(roots.root)]).toEqual([false, ["etc", "home", "synced"]]);
  });

  test("has no base where the blank one is missing, unless one is required", async () => {
    using machine = filled();
    sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("root-blank")]);
    using roots = await open(machine);
    expect(roots.base).toBeUndefined();
    expect(roots.source).toContain("no blank one");
    await expect(open(machine, { blank: "required" })).rejects.toThrow(
      "has no subvolume root-blank",
    );
  });

  test("refuses a plain directory in the place of a subvolume", async () => {
    using machine = filled();
    sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("root")]);
    mkdirSync(machine.in("root"));
    await expect(open(machine)).rejects.toThrow("has no subvolume root");
    await expect(open(machine, { root: machine.in("root") })).rejects.toThrow("a plain directory");
    const blank = { root: machine.in("root-blank"), base: "/proc" };
    await expect(open(machine, blank)).rejects.toThrow("not on btrfs");
  });
});

describePrivileged("the running root", () => {
  test("is the profile's only on the profile's own file system", () => {
    using machine = filled();
    using other = filled();
    const host = machine.mount();
    expect(fromWithin(host, machine.profile)).toContain(
      `the running system's root (${machine.device}, subvolume root, blank root-blank)`,
    );
    expect(fromWithin(host, other.profile)).toContain(
      `the root on the profile's disk (${other.device}, subvolume root, blank root-blank)`,
    );
  });
});

/** What fs-diff says on stderr when it runs on that root. */
function fromWithin(host: string, profile: string): string {
  const { status, stderr } = runWithin(host, ["fs-diff", "--profile", profile]);
  if (status > 1) throw new Error(stderr);
  return stderr;
}

function filled(): Machine {
  const machine = new Machine(
    '[persist]\ndirectories = ["/etc/nixos"]\nfiles = ["/etc/machine-id"]\n',
  );
  machine.write("root", "/home/beneath", "/etc/x");
  machine.write("persist", "/etc/x");
  return machine;
}

function open(machine: Machine, request: RootsRequest = {}): Promise<Roots> {
  const profile = readProfile(machine.profile, readFileSync(machine.profile));
  return openRoots({ profile, ...request });
}

function names(fd: number): string[] {
  return readdirSync(`/proc/self/fd/${fd}`).sort();
}

function texts(paths: readonly Uint8Array[]): string[] {
  return paths.map((path) => Buffer.from(path).toString());
}

function mountinfo(): string {
  return readFileSync("/proc/self/mountinfo", "utf8");
}
