/**
 * One of the two trees of a walk: its open directories from the top down.
 *
 * Each directory is opened from its parent's descriptor, through no link and no
 * mount. What can't be opened is counted, never passed over in silence.
 */
import { constants } from "node:fs";
import { constants as osConstants } from "node:os";
import type { FileType } from "../../btrfs/change.ts";
import { Vanished } from "../../btrfs/damage.ts";
import { DEPTH_MAX } from "../../btrfs/too-deep.ts";
import { Handle, tryToOpen } from "../at.ts";
import { CallFailure } from "../libc.ts";
import { isBtrfs } from "../statfs.ts";
import type { Blindness } from "./blindness.ts";
import { Entries } from "./entries.ts";
import { asCallName, type Status, statusAt } from "./status.ts";

/** The top of a subvolume, and what stands for one in a snapshot: linux/btrfs_tree.h. */
const SUBVOLUME_INODES = [256, 2] as const;
const SELF = new Uint8Array([0x2e, 0]);
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const { EACCES, EPERM, ENOENT, ENOTDIR, ELOOP, EXDEV } = osConstants.errno;

export interface Level {
  readonly entries: Entries;
  rank: number;
  /** Undefined where the directory could not be opened, and then it has no entries. */
  handle: Handle | undefined;
}

export class WalkSide implements Disposable {
  readonly top: number;
  readonly isBtrfs: boolean;
  readonly #blindness: Blindness;
  readonly #levels: Level[] = [];
  #depth = 0;

  constructor(top: number, blindness: Blindness) {
    this.top = top;
    this.#blindness = blindness;
    // A detached mount is reached by its descriptor alone.
    this.isBtrfs = isBtrfs(`/proc/self/fd/${top}`);
  }

  /** Opens the directory at hand of a level, or the top, and reads its entries. */
  enter(above: Level | undefined): Level {
    const level = this.#levels[this.#depth] ?? newLevel();
    this.#levels[this.#depth] = level;
    this.#depth++;
    level.rank = 0;
    level.entries.count = 0;
    level.handle = this.#open(above);
    if (level.handle === undefined) return level;
    try {
      statusAt(level.handle.fd, SELF);
      level.entries.load(level.handle.fd);
    } catch (fault) {
      level.entries.count = 0;
      this.#take(fault);
    }
    return level;
  }

  leave(): void {
    const level = this.#levels[--this.#depth]!;
    level.handle?.[Symbol.dispose]();
    level.handle = undefined;
  }

  /** Whether no directory in the one at hand may be entered. */
  get isDeepest(): boolean {
    return this.#depth >= DEPTH_MAX;
  }

  /** @throws Vanished */
  status({ handle, entries, rank }: Level): Status {
    const name = asCallName(entries.arena, entries.nameStart(rank), entries.nameLength(rank));
    return statusAt(handle!.fd, name);
  }

  topStatus(): Status {
    return statusAt(this.top, SELF);
  }

  /** Tells the top of a nested subvolume, where its status is known, from other directories. */
  typeOf(level: Level, status: Status): FileType {
    const isSubvolume =
      level.entries.isDirectory(level.rank) &&
      this.isBtrfs &&
      !status.isMountRoot &&
      status.inode === SUBVOLUME_INODES[0];
    return isSubvolume ? "subvolume" : level.entries.type(level.rank);
  }

  isSubvolume(status: Status): boolean {
    return this.isBtrfs && SUBVOLUME_INODES.some((inode) => inode === status.inode);
  }

  isStub(status: Status): boolean {
    return this.isBtrfs && status.inode === SUBVOLUME_INODES[1];
  }

  [Symbol.dispose](): void {
    while (this.#depth > 0) this.leave();
  }

  #open(above: Level | undefined): Handle | undefined {
    if (above !== undefined && above.handle === undefined) return undefined;
    const from = above?.handle?.fd ?? this.top;
    const name = above === undefined ? SELF.subarray(0, 1) : above.entries.name(above.rank);
    // Only owners may read without a trace: see O_NOATIME in open(2).
    let result = tryToOpen(from, name, DIRECTORY | constants.O_NOATIME, 0);
    if (result === -EPERM) result = tryToOpen(from, name, DIRECTORY, 0);
    if (result >= 0) return new Handle(result);
    if (result === -EXDEV) this.#blindness.mounts++;
    else if (result === -EACCES) this.#blindness.directories++;
    else if (![-ENOENT, -ENOTDIR, -ELOOP].includes(result)) {
      throw new CallFailure("Cannot open a directory", -result);
    }
    return undefined;
  }

  /** A directory that may be listed and not searched names files of which nothing can be told. */
  #take(fault: unknown): void {
    if (fault instanceof Vanished) return;
    if (!(fault instanceof CallFailure) || fault.errno !== EACCES) throw fault;
    this.#blindness.directories++;
  }
}

function newLevel(): Level {
  return { entries: new Entries(), rank: 0, handle: undefined };
}
