/**
 * Directories seen without the mounts upon them: a mount of our own, and open
 * descriptors into it.
 *
 * Nothing is opened through a symbolic link: below a top that others write to, a
 * path that was checked a moment ago proves nothing.
 */
import { constants, fstatSync, openSync, statSync } from "node:fs";
import { Refusal, UsageFault } from "../../fault.ts";
import { visible } from "../../text.ts";
import { type Handle, openBeneath } from "../at.ts";
import { cloneMount, DetachedMount, mountDetached } from "../detached.ts";
import { CallFailure } from "../libc.ts";
import { canAdminister } from "../probe/capability.ts";
import { isBtrfs } from "../statfs.ts";

/** Inode number of the top directory of every subvolume: BTRFS_FIRST_FREE_OBJECTID. */
const SUBVOLUME_INODE = 256;
const O_PATH = 0o10000000 | constants.O_DIRECTORY;
/** What a path is that isn't there, is no directory, or leads through a symbolic link. */
const ABSENT = new Set(["ENOENT", "ENOTDIR", "ELOOP"]);

/** A mount and the descriptors opened below it; disposing of it closes all. */
export class View implements Disposable {
  /** Open for reading: the top of the mount. */
  readonly top: number;
  readonly #mount: DetachedMount;
  readonly #opened: Handle[] = [];

  constructor(mount: DetachedMount) {
    this.#mount = mount;
    // The mount's own descriptor names a place alone: it can't be searched or listed.
    const top = openBeneath(mount.fd, Buffer.from("."), constants.O_RDONLY | constants.O_DIRECTORY);
    this.#opened.push(top);
    this.top = top.fd;
  }

  /** The whole file system of a device, from its top. */
  static ofDevice(device: string, access: "read-only" | "read-write"): View {
    return new View(mountDetached(device, "/", access));
  }

  /**
   * A directory that is mounted somewhere, without what is mounted below it; as it is
   * for whoever may make no mounts.
   */
  static ofDirectory(dir: string): View {
    return new View(canAdminister() ? cloneMount(dir) : new DetachedMount(openSync(dir, O_PATH)));
  }

  /**
   * Opens a directory below the top, through no symbolic link.
   *
   * @param path names with "/" between them; "" is the top
   * @returns undefined where a name is absent or no directory
   */
  directory(path: string): number | undefined {
    const opened = openIfThere(this.top, path);
    if (opened !== undefined) this.#opened.push(opened);
    return opened?.fd;
  }

  /** Opens a subvolume by its path below the top; undefined where there is none. */
  subvolume(path: string): number | undefined {
    const fd = this.directory(path);
    return fd !== undefined && fstatSync(fd).ino === SUBVOLUME_INODE ? fd : undefined;
  }

  [Symbol.dispose](): void {
    for (const opened of this.#opened.splice(0)) opened[Symbol.dispose]();
    this.#mount[Symbol.dispose]();
  }
}

/** @throws UsageFault, Refusal unless `dir` is the top of a btrfs subvolume */
export function refuseUnlessSubvolume(flag: string, dir: string): void {
  refuseUnlessDirectory(flag, dir);
  const action = `Cannot use ${visible(dir)} as ${flag}`;
  if (!isBtrfs(dir)) {
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

function openIfThere(top: number, path: string): Handle | undefined {
  try {
    return openBeneath(top, Buffer.from(path), constants.O_RDONLY | constants.O_DIRECTORY);
  } catch (error) {
    if (error instanceof CallFailure && ABSENT.has(error.code)) return undefined;
    throw error;
  }
}
