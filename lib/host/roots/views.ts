/**
 * Directories seen without the mounts upon them: a mount of our own, and open
 * descriptors into it.
 *
 * Names are opened one by one and never through a symbolic link: below a top that
 * others write to, a path that was checked a moment ago proves nothing.
 */
import { closeSync, constants, fstatSync, statfsSync, statSync } from "node:fs";
import { Refusal, UsageFault } from "../../fault.ts";
import { visible } from "../../text.ts";
import { cloneMount, type DetachedMount, mountDetached } from "../detached.ts";
import { CallFailure, checked, cString, libc, ptr } from "../libc.ts";

/** BTRFS_SUPER_MAGIC, linux/magic.h. */
const BTRFS_MAGIC = 0x9123683e;
/** Inode number of the top directory of every subvolume: BTRFS_FIRST_FREE_OBJECTID. */
const SUBVOLUME_INODE = 256;
/** The same number on x86-64 and aarch64, unlike O_DIRECTORY and O_NOFOLLOW. */
const O_CLOEXEC = 0o2000000;
const OPEN_DIRECTORY =
  constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW | O_CLOEXEC;

/** A mount and the descriptors opened below it; disposing of it closes all. */
export class View implements Disposable {
  /** Open for reading: the top of the mount. */
  readonly top: number;
  readonly #mount: DetachedMount;
  readonly #opened: number[] = [];

  constructor(mount: DetachedMount) {
    this.#mount = mount;
    this.top = this.#keep(openIn(mount.fd, "."));
  }

  /** The whole file system of a device, from its top. */
  static ofDevice(device: string, access: "read-only" | "read-write"): View {
    return new View(mountDetached(device, "/", access));
  }

  /** A directory that is mounted somewhere, without what is mounted below it. */
  static ofDirectory(dir: string): View {
    return new View(cloneMount(dir));
  }

  /**
   * Opens a directory below the top, through no symbolic link.
   *
   * @param path names with "/" between them; "" is the top
   * @returns undefined where a name is absent or no directory
   */
  directory(path: string): number | undefined {
    const fd = openDirectoryBelow(this.top, path);
    return fd === undefined ? undefined : this.#keep(fd);
  }

  /** Opens a subvolume by its path below the top; undefined where there is none. */
  subvolume(path: string): number | undefined {
    const fd = this.directory(path);
    return fd !== undefined && fstatSync(fd).ino === SUBVOLUME_INODE ? fd : undefined;
  }

  [Symbol.dispose](): void {
    for (const fd of this.#opened.splice(0)) closeSync(fd);
    this.#mount[Symbol.dispose]();
  }

  #keep(fd: number): number {
    this.#opened.push(fd);
    return fd;
  }
}

/**
 * Opens a directory below an open one, through no symbolic link. To be closed.
 *
 * @param path names with "/" between them; "" opens the same directory again
 * @returns undefined where a name is absent or no directory
 */
export function openDirectoryBelow(top: number, path: string): number | undefined {
  let at: number | undefined = openIn(top, ".");
  for (const name of path.split("/").filter((part) => part !== "")) {
    const above: number = at;
    at = openIfThere(above, name);
    closeSync(above);
    if (at === undefined) return undefined;
  }
  return at;
}

/** @throws UsageFault, Refusal unless `dir` is the top of a btrfs subvolume */
export function refuseUnlessSubvolume(flag: string, dir: string): void {
  refuseUnlessDirectory(flag, dir);
  const action = `Cannot use ${visible(dir)} as ${flag}`;
  if (statfsSync(dir).type !== BTRFS_MAGIC) {
    throw new Refusal(`${action}: it is not on btrfs, expected a mounted subvolume`);
  }
  if (statSync(dir).ino !== SUBVOLUME_INODE) {
    throw new Refusal(`${action}: it is a plain directory, expected the top of a subvolume`, {
      hint: "btrfs subvolume list --all DIR shows the subvolumes of a mounted file system",
    });
  }
}

/** @throws UsageFault */
export function refuseUnlessDirectory(flag: string, dir: string): void {
  const found = statSync(dir, { throwIfNoEntry: false });
  if (found?.isDirectory()) return;
  const state = found === undefined ? "there is no such directory" : "it is no directory";
  throw new UsageFault(`Cannot use ${visible(dir)} as ${flag}: ${state}`);
}

function openIfThere(dir: number, name: string): number | undefined {
  try {
    return openIn(dir, name);
  } catch (error) {
    if (error instanceof CallFailure && ["ENOENT", "ENOTDIR", "ELOOP"].includes(error.code))
      return undefined;
    throw error;
  }
}

function openIn(dir: number, name: string): number {
  const path = cString(name);
  const fd = libc().openat(dir, ptr(path), OPEN_DIRECTORY, 0);
  return checked(fd, () => `Cannot open the directory ${visible(name)}`);
}
