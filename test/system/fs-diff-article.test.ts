import { expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";

const PERSIST = `[persist]
directories = ["/etc/nixos"]
files = [
  "/etc/machine-id",
  "/etc/ssh/ssh_host_ed25519_key",
  "/etc/ssh/ssh_host_ed25519_key.pub",
  "/etc/ssh/ssh_host_rsa_key",
  "/etc/ssh/ssh_host_rsa_key.pub",
]
`;

describePrivileged("fs-diff lists as the article does", () => {
  test("before anything is persisted, then after it and a rollback", () => {
    using machine = new Machine();
    makeBootState(machine, listing("before"));
    machine.link("/root/.nix-defexpr/channels", "/nix/var/nix/profiles/per-user/root/channels");

    const before = machine.run("fs-diff");
    expect(before.stdout).toBe(sorted([...listing("before"), CHANNELS]));
    expect(before.status).toBe(1);

    machine.writeProfile(PERSIST);
    machine.persist("/etc/nixos", "/etc/machine-id", ...KEYS);
    machine.rollBack();
    makeBootState(machine, listing("after"));
    for (const key of KEYS) machine.link(key, `/persist${key}`);
    writeFileSync(machine.in("root/etc/machine-id"), "");
    mkdirSync(machine.in("root/etc/nixos"));
    const host = machine.mount();
    sh(["mount", "--bind", `${host}/persist/etc/machine-id`, `${host}/etc/machine-id`]);
    sh(["mount", "--bind", `${host}/persist/etc/nixos`, `${host}/etc/nixos`]);

    const after = machine.run("fs-diff");
    expect(after.stdout).toBe(sorted(listing("after")));
    expect(after.status).toBe(1);
    // Nothing of that depends on the mounts being there.
    for (const path of ["/etc/nixos", "/etc/machine-id"]) sh(["umount", host + path]);
    expect(machine.run("fs-diff").stdout).toBe(sorted(listing("after")));
  });
});

const CHANNELS = "/root/.nix-defexpr/channels";
const KEYS = ["ed25519_key", "ed25519_key.pub", "rsa_key", "rsa_key.pub"].map(
  (name) => `/etc/ssh/ssh_host_${name}`,
);

/** What NixOS and its programs have made of a root by the end of a boot. */
function makeBootState(machine: Machine, paths: readonly string[]): void {
  machine.write("root", ...paths);
  for (const dir of ["home", "nix", "persist", "var/log", "boot", "tmp", "srv", "proc", "run"]) {
    mkdirSync(machine.in("root", dir), { recursive: true });
  }
  machine.link("/etc/static", "/nix/store/0a1b2c-etc/etc");
  for (const name of ["fstab", "ssh/sshd_config", "systemd/system", "pam.d/login"]) {
    machine.link(`/etc/${name}`, `/etc/static/${name}`);
  }
  machine.link("/bin/sh", "/nix/store/3d4e5f-bash-interactive/bin/sh");
  machine.link("/usr/bin/env", "/nix/store/6a7b8c-coreutils/bin/env");
  for (const nested of ["machines", "portables"]) {
    sh(["btrfs", "--quiet", "subvolume", "create", machine.in("root/var/lib", nested)]);
  }
}

/** The listing as published, without the path that is a link. */
function listing(name: "before" | "after"): string[] {
  const file = join(import.meta.dir, `../fixtures/seed/fs-diff-${name}.txt`);
  return readFileSync(file, "utf8")
    .split("\n")
    .filter((path) => path !== "" && path !== CHANNELS);
}

/** In byte order, one a line. */
function sorted(paths: readonly string[]): string {
  const lines = paths.map((path) => Buffer.from(path)).sort(Buffer.compare);
  return lines.map((line) => `${line}\n`).join("");
}
