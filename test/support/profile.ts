/** Profiles for tests: small disks, and everything that a test doesn't care about. */
import { writeFileSync } from "node:fs";
import type { Scratch } from "./disk.ts";

export interface ProfileOptions {
  readonly device: string;
  readonly label?: string;
  readonly target?: string;
  readonly esp?: string;
  /** Lines of TOML that go before the first table of their own: whole tables. */
  readonly more?: string;
  readonly swap?: string;
  readonly btrfs?: string;
  /** Of subvolumes, other than usual. */
  readonly names?: { readonly root: string; readonly blank: string };
}

export function profileText(options: ProfileOptions): string {
  const { root, blank } = options.names ?? { root: "root", blank: "root-blank" };
  const swap = options.swap ?? '[disk.swap]\nkind = "partition"\nsize = "64MiB"\n';
  return `version = 1

[host]
name = "test"
state_version = "26.05"
target = ${JSON.stringify(options.target ?? "/mnt")}

[disk]
device = ${JSON.stringify(options.device)}
esp = "${options.esp ?? "64MiB"}"
label = ${JSON.stringify(options.label ?? "Butter")}

${swap}
[btrfs]
mount_options = ["compress=zstd", "noatime"]
root = "${root}"
blank = "${blank}"
old_roots = "old_roots"
${options.btrfs ?? ""}
[btrfs.subvolumes]
home = { mount = "/home", options = ["nosuid", "nodev"] }
nix = "/nix"
persist = "/persist"
log = "/var/log"

${options.more ?? '[persist]\nroot = "/persist"\ndirectories = ["/etc/nixos"]\nfiles = ["/etc/machine-id"]\n'}
`;
}

/** Writes a profile that can be trusted, and returns its path. */
export function writeProfile(
  scratch: Scratch,
  options: ProfileOptions,
  name = "host.toml",
): string {
  const file = scratch.path(name);
  writeFileSync(file, profileText(options), { mode: 0o644 });
  return file;
}
