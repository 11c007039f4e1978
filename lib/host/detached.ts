/**
 * Mounts that nobody else sees and that end with us.
 *
 * A detached mount (fsopen, fsmount; open_tree with CLONE) is never attached to
 * the tree of mounts: it lives as long as a descriptor does, so even `kill -9`
 * leaves nothing to take down. Programs reach it as `/proc/self/fd/N/…` when
 * they inherit the descriptor. Numbers: linux/mount.h; calls: fsopen(2) and
 * open_tree(2) of the Linux manual pages.
 */
import { closeSync, existsSync, readdirSync, realpathSync } from "node:fs";
import { constants } from "node:os";
import { basename, join } from "node:path";
import { Refusal } from "../fault.ts";
import { CallFailure, cString, errno, libc, ptr } from "./libc.ts";

const SYS_OPEN_TREE = 428;
const SYS_FSOPEN = 430;
const SYS_FSCONFIG = 431;
const SYS_FSMOUNT = 432;

/** One folder for each file system that is open; see Documentation/ABI of btrfs in sysfs. */
const SYSFS_BTRFS = "/sys/fs/btrfs";
const FSOPEN_CLOEXEC = 1;
const FSCONFIG_SET_FLAG = 0;
const FSCONFIG_SET_STRING = 1;
const FSCONFIG_CMD_CREATE = 6;
const FSMOUNT_CLOEXEC = 1;
const MOUNT_ATTR_RDONLY = 0x1;
const MOUNT_ATTR_NOSUID = 0x2;
const MOUNT_ATTR_NODEV = 0x4;
const MOUNT_ATTR_NOEXEC = 0x8;
const AT_FDCWD = -100;
const OPEN_TREE_CLONE = 1;
const OPEN_TREE_CLOEXEC = 0o2000000;

/** A mount held by one descriptor; disposing of it unmounts. */
export class DetachedMount implements Disposable {
  readonly fd: number;
  #open = true;

  constructor(fd: number) {
    this.fd = fd;
  }

  [Symbol.dispose](): void {
    if (!this.#open) return;
    this.#open = false;
    closeSync(this.fd);
  }
}

/**
 * Mounts a btrfs subvolume where nobody sees it. Never executes, never honours
 * suid or device nodes: the content is not ours.
 *
 * @param subvolume path below the top of the file system; "/" is the top itself
 * @throws CallFailure with the kernel's errno
 */
export function mountDetached(
  device: string,
  subvolume: string,
  access: "read-only" | "read-write",
): DetachedMount {
  const readOnly = access === "read-only";
  const options: Array<readonly [key: string, value?: string]> = [["source", device]];
  // subvolid=5 is the top even where a default subvolume is set; subvol=/ is not enough.
  options.push(subvolume === "/" ? ["subvolid", "5"] : ["subvol", subvolume]);
  if (readOnly) options.push(["ro"]);
  // Mounting replays the log of a crashed system, also read-only: a look must not write.
  if (readOnly && !isOpen(device)) options.push(["rescue", "nologreplay"]);
  const context = call(SYS_FSOPEN, () => "Cannot open the btrfs driver", "btrfs", FSOPEN_CLOEXEC);
  try {
    for (const [key, value] of options) {
      const command = value === undefined ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING;
      const action = () => `Cannot mount ${device}: option ${key}`;
      call(SYS_FSCONFIG, action, context, command, key, value ?? 0, 0);
    }
    call(SYS_FSCONFIG, () => `Cannot mount ${device}`, context, FSCONFIG_CMD_CREATE, 0, 0, 0);
    const attributes =
      MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC | (readOnly ? MOUNT_ATTR_RDONLY : 0);
    const action = () => `Cannot mount ${device}`;
    return new DetachedMount(call(SYS_FSMOUNT, action, context, FSMOUNT_CLOEXEC, attributes));
  } finally {
    closeSync(context);
  }
}

/**
 * A private copy of the one mount that holds `path`, without the mounts below
 * it: what lies beneath a mount point becomes visible. Needs CAP_SYS_ADMIN.
 */
export function cloneMount(path: string): DetachedMount {
  const action = () => `Cannot look beneath the mounts of ${path}`;
  const flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC;
  return new DetachedMount(call(SYS_OPEN_TREE, action, AT_FDCWD, path, flags));
}

/** Whether the kernel has the file system of this device open already; options of its own are then refused. */
function isOpen(device: string): boolean {
  const name = basename(realpathSync(device));
  const filesystems = existsSync(SYSFS_BTRFS) ? readdirSync(SYSFS_BTRFS) : [];
  return filesystems.some((fsid) => existsSync(join(SYSFS_BTRFS, fsid, "devices", name)));
}

/** The buffers of the call at hand: an address alone keeps nothing from the collector. */
const inUse = new Set<number | Uint8Array>();

function call(number: number, action: () => string, ...args: Array<number | string>): number {
  const words = args.map((arg) => (typeof arg === "string" ? cString(arg) : arg));
  const raw = words.map((word) => (typeof word === "number" ? word : Number(ptr(word))));
  const [a = 0, b = 0, c = 0, d = 0, e = 0, f = 0] = raw;
  for (const word of words) inUse.add(word);
  const result = Number(libc().syscall(number, a, b, c, d, e, f));
  const code = result === -1 ? errno() : 0;
  inUse.clear();
  if (code === constants.errno.EPERM) {
    throw new Refusal(`${action()}: permission denied, expected root (CAP_SYS_ADMIN)`);
  }
  if (result === -1) throw new CallFailure(action(), code);
  return result;
}
