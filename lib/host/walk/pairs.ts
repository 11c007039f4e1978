/**
 * What differs between two mounted files of one path.
 *
 * A file of a snapshot that has its inode number, size, mtime and ctime still is
 * the same: ctime can't be set, and any write moves it. Everything else is read; and
 * where nothing else differs of what is one inode by its number and time of birth,
 * ctime does.
 */
import { constants as osConstants } from "node:os";
import type { Status as ChangeStatus, Time } from "../../btrfs/change.ts";
import type { Difference } from "../../copy/difference.ts";
import { lookAt } from "../at.ts";
import { compareHandles } from "../compare.ts";
import { CallFailure } from "../libc.ts";
import type { Blindness } from "./blindness.ts";
import type { Level, WalkSide } from "./side.ts";
import type { Status } from "./status.ts";

const CONTENT: readonly Difference[] = ["content", "target", "device number"];
const PAIRS_MAX = 4096;
const SELF = new Uint8Array([0x2e]);
const { EACCES, EPERM } = osConstants.errno;

export class WalkPairs {
  readonly #root: WalkSide;
  readonly #base: WalkSide;
  readonly #blindness: Blindness;
  /** Of inodes with more names, so that 300 hard links are read once. */
  readonly #linked = new Map<string, ChangeStatus | undefined>();

  constructor(root: WalkSide, base: WalkSide, blindness: Blindness) {
    this.#root = root;
    this.#base = base;
    this.#blindness = blindness;
  }

  /** @param timesCount whether differing times are a change in themselves */
  directories(
    ours: Level | undefined,
    theirs: Level | undefined,
    timesCount: boolean,
  ): ChangeStatus | undefined {
    const [left, right] = this.#statuses(ours, theirs);
    if (left.isMountRoot !== right.isMountRoot) return undefined;
    if (this.#root.isStub(left) || this.#base.isStub(right)) {
      return left.mode === right.mode ? undefined : "m";
    }
    if (this.#isUntouched(left, right)) return undefined;
    if (timesCount && this.#areOne(left, right)) return "m";
    const differences = this.#compare(ours, theirs);
    return differences.some((one) => one !== "mtime" || timesCount) ? "m" : undefined;
  }

  files(path: Uint8Array, ours: Level, theirs: Level): ChangeStatus | undefined {
    const [left, right] = this.#statuses(ours, theirs);
    if (left.isMountRoot || right.isMountRoot) {
      this.#blindness.mounts++;
      return undefined;
    }
    if (this.#isUntouched(left, right)) return undefined;
    const status = this.#read(path, ours, theirs);
    if (status !== undefined) return status;
    return left.links !== right.links || this.#areOne(left, right) ? "m" : undefined;
  }

  /** The status by what is read; remembered where both have more names. */
  #read(path: Uint8Array, ours: Level, theirs: Level): ChangeStatus | undefined {
    const [left, right] = this.#statuses(ours, theirs);
    if (left.links < 2 || right.links < 2) return this.#ofFiles(path, ours, theirs);
    const pair = `${left.device} ${left.inode} ${right.device} ${right.inode}`;
    if (this.#linked.has(pair)) return this.#linked.get(pair);
    const status = this.#ofFiles(path, ours, theirs);
    if (this.#linked.size >= PAIRS_MAX) this.#linked.clear();
    this.#linked.set(pair, status);
    return status;
  }

  #ofFiles(path: Uint8Array, ours: Level, theirs: Level): ChangeStatus | undefined {
    const differences = this.#compare(ours, theirs, path);
    if (differences.some((one) => CONTENT.includes(one))) return "M";
    return differences.length > 0 ? "m" : undefined;
  }

  #statuses(ours: Level | undefined, theirs: Level | undefined): [Status, Status] {
    return [
      ours === undefined ? this.#root.topStatus() : this.#root.status(ours),
      theirs === undefined ? this.#base.topStatus() : this.#base.status(theirs),
    ];
  }

  #isUntouched(left: Status, right: Status): boolean {
    return (
      this.#root.isBtrfs &&
      this.#base.isBtrfs &&
      left.inode === right.inode &&
      left.sizeBytes === right.sizeBytes &&
      isSameTime(left.ctime, right.ctime) &&
      isSameTime(left.mtime, right.mtime)
    );
  }

  /** Whether both are one inode that snapshots share; where it was touched, its ctime differs. */
  #areOne(left: Status, right: Status): boolean {
    return (
      this.#root.isBtrfs &&
      this.#base.isBtrfs &&
      left.inode === right.inode &&
      left.btimeNs === right.btimeNs
    );
  }

  #compare(
    ours: Level | undefined,
    theirs: Level | undefined,
    path: Uint8Array = SELF,
  ): Difference[] {
    using left = lookAt(...placeOf(this.#root, ours));
    using right = lookAt(...placeOf(this.#base, theirs));
    if (left === undefined || right === undefined) return ["content"];
    try {
      return compareHandles(left, right, path);
    } catch (fault) {
      const isRefused =
        fault instanceof CallFailure && (fault.errno === EACCES || fault.errno === EPERM);
      if (!isRefused) throw fault;
      this.#blindness.contents++;
      return ["content"];
    }
  }
}

function isSameTime(left: Time, right: Time): boolean {
  return left.seconds === right.seconds && left.nanoseconds === right.nanoseconds;
}

function placeOf(side: WalkSide, level: Level | undefined): [number, Uint8Array] {
  if (level === undefined) return [side.top, SELF];
  return [level.handle!.fd, level.entries.name(level.rank)];
}
