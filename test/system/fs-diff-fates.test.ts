import { expect, test } from "bun:test";
import { chmodSync, mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";
import { spoil } from "../support/spoil.ts";

const PERSIST = `[persist]
directories = ["/etc/nixos", "/var/lib/app"]
files = ["/etc/machine-id", "/etc/bound", "/etc/empty"]
ignore = ["/etc/.clean"]
`;

type Fates = Record<string, string>;

describePrivileged("fs-diff judges", () => {
  test("each path by what is mounted, listed and copied now", () => {
    using machine = new Machine(PERSIST);
    fill(machine);
    const host = machine.mount();
    for (const path of ["/etc/bound", "/var/lib/app"]) {
      sh(["mount", "--bind", `${host}/persist${path}`, host + path]);
    }
    mkdirSync(`${host}/mnt/usb`, { recursive: true });
    writeFileSync(`${host}/mnt/usb/beneath`, "");
    sh(["mount", "-t", "tmpfs", "tmpfs", `${host}/mnt/usb`]);

    expect(fates(machine)).toEqual({
      ...EVERYWHERE,
      "/mnt": "kept: parent of a mount point or a listed path",
      "/mnt/usb": "kept: mount point",
      "/mnt/usb/beneath": "lost: shadowed",
    });
  });

  test("an unmounted disk by the profile alone", () => {
    using machine = new Machine(PERSIST);
    fill(machine);
    for (const dir of ["home", "nix", "persist", "var/log"]) {
      mkdirSync(machine.in("root", dir), { recursive: true });
    }
    sh(["umount", machine.top]);
    expect(fates(machine)).toEqual({ ...EVERYWHERE, "/var/lib/app": "kept: listed and copied" });
  });

  test("a copy by itself, and not by what a planted link leads to", () => {
    using machine = new Machine('[persist]\ndirectories = ["/srv/app"]\nfiles = ["/srv/key"]\n');
    machine.write("root", "/srv/app/x", "/srv/key");
    mkdirSync(machine.in("persist/srv"));
    // Both lead to the very originals in our view of the disk.
    symlinkSync("../../root/srv/app", machine.in("persist/srv/app"));
    symlinkSync("../../root/srv/key", machine.in("persist/srv/key"));
    expect(fates(machine)).toMatchObject({
      "/srv/app": "lost: copy differs",
      "/srv/app/x": "lost: listed, not copied",
      "/srv/key": "lost: copy differs",
    });
  });

  test("nothing of what it can't read, and says so", () => {
    using machine = new Machine('[persist]\nfiles = ["/etc/broken"]\n');
    machine.write("root", "/etc/aaa");
    const marker = "a block that will not be what its checksum says ".repeat(400);
    writeFileSync(machine.in("root/etc/broken"), marker);
    mkdirSync(machine.in("persist/etc"));
    writeFileSync(machine.in("persist/etc/broken"), marker);
    sh(["umount", machine.top]);
    spoil(machine.device, marker.slice(0, 4096));
    const { status, stdout, stderr } = machine.run("fs-diff");
    expect(stderr).toContain("Cannot compare /etc/broken with its copy: EIO");
    expect(stderr).toContain("The listing is incomplete");
    expect([stdout, status]).toEqual(["/etc/aaa\n", 4]);
  });

  test("without a profile only by what is seen", () => {
    using machine = new Machine(PERSIST);
    fill(machine);
    const host = machine.mount();
    const words = ["--root", host, "--base", machine.in("root-blank"), "--all", "--json"];
    const found = parse(machine.runBare("fs-diff", ...words).stdout);
    expect(found).toMatchObject({
      "/home": "kept: mount point",
      "/etc/store": "managed: link into /nix/store",
      "/etc/machine-id": "lost: not listed",
      "/etc/.clean": "lost: not listed",
      "/etc/into-persist": "lost: not listed",
    });
    const withPersist = parse(
      machine.runBare("fs-diff", ...words, "--persist", `${host}/persist`).stdout,
    );
    expect(withPersist).toMatchObject({
      "/etc/into-persist": "kept: link into persist",
      "/etc/machine-id": "lost: copied, not listed",
    });
  });

  test("what a blank root that isn't empty has otherwise", () => {
    using machine = new Machine();
    sh(["btrfs", "--quiet", "subvolume", "delete", machine.in("root-blank")]);
    machine.write("root", "/etc/same", "/etc/content", "/etc/mode", "/etc/type", "/etc/gone");
    const blank = [machine.in("root"), machine.in("root-blank")];
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", ...blank]);
    writeFileSync(machine.in("root/etc/content"), "other");
    chmodSync(machine.in("root/etc/mode"), 0o600);
    rmSync(machine.in("root/etc/type"));
    mkdirSync(machine.in("root/etc/type"));
    machine.write("root", "/etc/type/within");
    rmSync(machine.in("root/etc/gone"));
    const { stdout, status } = machine.run("fs-diff", "--status");
    expect(stdout).toBe("M\t/etc/content\nm\t/etc/mode\nA\t/etc/type/within\n");
    expect(status).toBe(1);
    expect(machine.run("fs-diff", "--status", "--all").stdout).toBe(
      "M\t/etc/content\nD\t/etc/gone\nm\t/etc/mode\nT\t/etc/type\nA\t/etc/type/within\n",
    );
  });
});

const EVERYWHERE: Fates = {
  "/boot": "kept: mount point",
  "/etc": "kept: parent of a mount point or a listed path",
  "/etc/.clean": "ignored: matches persist.ignore",
  "/etc/bound": "kept: mount point",
  "/etc/empty": "kept: mount point",
  "/etc/into-persist": "kept: link into persist",
  "/etc/into-persist-by-names": "kept: link into persist",
  "/etc/machine-id": "kept: listed and copied",
  "/etc/nixos": "kept: mount point",
  "/etc/nixos/copied": "kept: listed and copied",
  "/etc/nixos/differs": "lost: copy differs",
  "/etc/nixos/hidden-link": "lost: listed, not copied",
  "/etc/nixos/mode": "lost: copy differs",
  "/etc/nixos/new": "lost: listed, not copied",
  "/etc/static-link": "managed: link into /etc/static",
  "/etc/store": "managed: link into /nix/store",
  "/home": "kept: mount point",
  "/home/beneath": "lost: shadowed",
  "/nix": "kept: mount point",
  "/persist": "kept: mount point",
  "/root": "lost: copied, not listed",
  "/root/copied": "lost: copied, not listed",
  "/root/link": "lost: not listed",
  "/root/notes": "lost: not listed",
  "/var": "kept: parent of a mount point or a listed path",
  "/var/lib": "kept: parent of a mount point or a listed path",
  "/var/lib/app": "kept: mount point",
  "/var/lib/app/beneath": "lost: listed, not copied",
  "/var/log": "kept: mount point",
};

function fill(machine: Machine): void {
  machine.write("root", "/home/beneath", "/root/notes", "/root/copied", "/etc/machine-id");
  machine.write("root", "/etc/.clean");
  for (const name of ["copied", "differs", "mode"]) machine.write("root", `/etc/nixos/${name}`);
  machine.persist("/etc/nixos", "/etc/machine-id", "/root/copied");
  // A copy may be older than the original: time alone makes no difference.
  utimesSync(machine.in("persist/etc/machine-id"), 1, 1);
  writeFileSync(machine.in("persist/etc/nixos/differs"), "other");
  chmodSync(machine.in("persist/etc/nixos/mode"), 0o600);
  chmodSync(machine.in("root/etc/nixos"), 0o700);
  machine.write("root", "/etc/nixos/new", "/var/lib/app/beneath");
  mkdirSync(machine.in("root/boot"));
  mkdirSync(machine.in("persist/var/lib/app"), { recursive: true });
  machine.link("/etc/nixos/hidden-link", "/nix/store/aaa");
  for (const name of ["bound", "empty"]) {
    machine.write("persist", `/etc/${name}`);
    writeFileSync(machine.in("root/etc", name), "");
  }
  machine.link("/etc/into-persist", "/persist/etc/x");
  machine.link("/etc/into-persist-by-names", "../etc/../persist/etc/x");
  machine.link("/etc/store", "/nix/store/aaa");
  machine.link("/etc/static-link", "static/aaa");
  machine.link("/root/link", "/nix/var/nix/profiles/x");
}

function fates(machine: Machine): Fates {
  const { stdout, status, stderr } = machine.run("fs-diff", "--all", "--json");
  if (status !== 1) throw new Error(stderr);
  return parse(stdout);
}

function parse(stdout: string): Fates {
  const records = stdout
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line));
  return Object.fromEntries(records.map(({ path, fate, reason }) => [path, `${fate}: ${reason}`]));
}
