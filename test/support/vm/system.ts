/**
 * A disk laid out by our own scripts for the documented profile, and a small system on
 * its nix subvolume: busybox, and an init that keeps a record of every boot below
 * /persist and leaves state in the root for the next rollback to take away.
 */
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  writeFileSync,
} from "node:fs";
import { basename, join } from "node:path";
import { diskIds } from "../../../lib/ids.ts";
import type { Profile } from "../../../lib/profile.ts";
import { succeed } from "../blankroot.ts";
import { attachFree, attachLoop, detachLoop, type Scratch, sh } from "../disk.ts";
import { exampleProfile } from "../example.ts";
import { alone } from "./alone.ts";
import type { BootParts } from "./parts.ts";
import { STAGE2_DONE } from "./qemu.ts";

const GIB = 1024 ** 3;
/** Sparse: room for the documented 8 GiB of swap. */
const SIZE_BYTES = 12 * GIB;
const SEED = "5a5a5a5a-8a5e-4b39-9d6b-6e0f5a2b7c11";
/** The profile of every machine here, but for the node of its disk. */
export const EXAMPLE = join(import.meta.dir, "../../../config.toml");

/** In the nix subvolume. */
export const SYSTEM = "nix/system";
/** What the boots leave in the root. */
export const STATE = "var/state";
/** The node of its swap. */
export const SWAP = `/dev/disk/by-uuid/${diskIds(SEED).swap}`;

/**
 * Names the image that is laid out once for all that boot; who comes first makes it. Each
 * file lays out its own when it runs by itself.
 */
export const LAID_OUT = "BLANKROOT_TEST_LAID_OUT";

export interface SmallSystem {
  readonly profile: Profile;
  /** As the installed machine names its file system. */
  readonly device: string;
  /** Of a disk that was never booted. */
  readonly image: string;
}

/** The small system, on a disk laid out by our own scripts. */
export function installSystem(scratch: Scratch, parts: BootParts): SmallSystem {
  const image = process.env[LAID_OUT] ?? scratch.path("laid-out");
  alone(() => {
    if (!existsSync(image)) renameSync(layOut(scratch, parts), image);
  });
  const device = `/dev/disk/by-uuid/${diskIds(SEED).btrfs}`;
  return { profile: exampleProfile(), device, image };
}

/** @returns the image of a disk with the small system */
function layOut(scratch: Scratch, parts: BootParts): string {
  const image = scratch.path("installed");
  const loop = attachLoop(scratch, "installed", { sizeBytes: SIZE_BYTES });
  const profile = scratch.path("config.toml");
  // The only lines in which the machine that installs differs from the one that boots; the
  // label is another's on a host where other tests format disks meanwhile.
  const text = readFileSync(EXAMPLE, "utf8")
    .replace(/^device = .*$/m, `device = "${loop}"`)
    .replace(/^label = .*$/m, 'label = "Boots"');
  writeFileSync(profile, text, { mode: 0o644 });
  const named = ["--profile", profile];
  const token = `${basename(loop)}-${SIZE_BYTES}`;
  succeed("format-disk", ...named, "--seed", SEED, `--apply=${token}`);
  succeed("make-subvols", ...named);
  detachLoop(loop);
  onTop(scratch, image, (top) => installSmall(top, parts));
  return image;
}

/** A copy to boot from. */
export function copyImage(scratch: Scratch, image: string, name: string): string {
  const copy = scratch.path(name);
  sh(["cp", "--sparse=always", "--reflink=auto", image, copy]);
  return copy;
}

/** Mounts the top of an image's file system for as long as `act` runs. */
export function onTop<T>(scratch: Scratch, image: string, act: (top: string) => T): T {
  return onPartition(image, (device) => {
    const top = scratch.mkdir("image-top");
    sh(["mount", "-t", "btrfs", "-o", "subvolid=5,noatime", device, top]);
    try {
      return act(top);
    } finally {
      sh(["umount", top]);
    }
  });
}

/** Attaches the partition of an image that holds its file system for as long as `act` runs. */
export function onPartition<T>(image: string, act: (device: string) => T): T {
  const { start, size } = partitions(image).btrfs;
  const range = ["--offset", String(start), "--sizelimit", String(size)];
  return alone(() => {
    const device = attachFree(range, image);
    try {
      return act(device);
    } finally {
      sh(["losetup", "--detach", device]);
    }
  });
}

/** What btrfs check finds in an image's file system; empty for nothing. */
export function checkImage(image: string): string {
  return onPartition(image, checkDevice);
}

/** The same, of a device. */
export function checkDevice(device: string): string {
  const child = Bun.spawnSync(["btrfs", "check", "--readonly", device], { stderr: "pipe" });
  return child.exitCode === 0 ? "" : `btrfs check: ${child.stderr}`;
}

interface Range {
  readonly start: number;
  readonly size: number;
}

/** Where they lie, in bytes. */
export function partitions(image: string): { readonly swap: Range; readonly btrfs: Range } {
  const { partitiontable: table } = JSON.parse(sh(["sfdisk", "--json", image]));
  const rangeOf = (index: number): Range => {
    const { start, size } = table.partitions[index];
    return { start: start * table.sectorsize, size: size * table.sectorsize };
  };
  return { swap: rangeOf(1), btrfs: rangeOf(2) };
}

/** Installs the small system to subvolumes that are there. */
export function installSmall(top: string, { busybox }: BootParts): void {
  const dir = join(top, SYSTEM);
  mkdirSync(dir);
  copyFileSync(busybox, join(dir, "busybox"));
  chmodSync(join(dir, "busybox"), 0o755);
  writeFileSync(join(dir, "init"), INIT, { mode: 0o755 });
}

const INIT = `#!/nix/system/busybox ash
# Everything is an applet of busybox, which looks for those first.
exec </dev/null >/dev/console 2>&1
boot=1
while [ -e /persist/boots/$boot ]; do boot=$((boot + 1)); done
here=/persist/boots/$boot
mkdir -p $here
cat /proc/sys/kernel/random/boot_id >$here/boot-id
find / -xdev ! -type d >$here/root
cat /proc/self/mountinfo >$here/mounts
[ ! -e /${STATE} ] || cp /${STATE} $here/state-before
[ ! -e /run/blankroot/rollback ] || cp /run/blankroot/rollback $here/result
[ ! -e /run/journal.json ] || cp /run/journal.json $here/journal.json
mkdir -p /${STATE.replace(/\/[^/]*$/, "")}
echo "of boot $boot" >/${STATE}
[ ! -e /nix/system/task ] || . /nix/system/task
sync
echo "${STAGE2_DONE}, boot $boot"
poweroff -f
`;
