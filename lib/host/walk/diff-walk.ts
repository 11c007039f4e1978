/**
 * What one mounted tree has that another has not, by walking both: the way without
 * CAP_SYS_ADMIN and without btrfs.
 *
 * The same order and the same words as the comparison of metadata. Nothing is
 * entered that another mount covers, and no link is followed.
 */
import type { Status } from "../../btrfs/change.ts";
import { Vanished } from "../../btrfs/damage.ts";
import { PathBuffer } from "../../btrfs/path-buffer.ts";
import { type Scope, scopeOf, splitPath } from "../../btrfs/scope.ts";
import { leaveOut, type TooDeep } from "../../btrfs/too-deep.ts";
import type { Visit } from "../../btrfs/visit.ts";
import { UsageFault } from "../../fault.ts";
import { visible } from "../../text.ts";
import { lookAt } from "../at.ts";
import { CallFailure } from "../libc.ts";
import { Blindness } from "./blindness.ts";
import { WalkPairs } from "./pairs.ts";
import { type Level, WalkSide } from "./side.ts";
import { WalkChange } from "./walk-change.ts";

export interface WalkTops {
  /** Descriptors of the tops; not closed here. */
  readonly root: number;
  /** Undefined compares with nothing: all is added. */
  readonly base: number | undefined;
  /** Absolute paths below the tops that the walk is limited to, such as "/etc". */
  readonly within?: readonly Uint8Array[] | undefined;
  /** Told of directories that are not entered; without it, one of them ends the walk. */
  readonly tooDeep?: TooDeep | undefined;
}

/**
 * Calls `visit` for each path that differs, in byte order (a directory sorts as
 * `name/`).
 *
 * @returns what was not seen, one sentence each
 * @throws UsageFault for a path in `within` that neither has
 */
export function diffWalk({ root, base, within, tooDeep }: WalkTops, visit: Visit): string[] {
  const blindness = new Blindness();
  using ours = new WalkSide(root, blindness);
  using theirs = base === undefined ? undefined : new WalkSide(base, blindness);
  const paths = within?.map(splitPath);
  for (const path of within ?? []) requireOneOf(root, base, path);
  const walk = new Walk({ root: ours, base: theirs }, blindness, visit, tooDeep);
  walk.start(scopeOf(paths));
  return blindness.sentences();
}

function requireOneOf(root: number, base: number | undefined, path: Uint8Array): void {
  if (has(root, path) || (base !== undefined && has(base, path))) return;
  throw new UsageFault(
    `Cannot compare ${visible(path)}: no such path in the root, nor in its base`,
    { hint: "a path is looked up by its names; symlinks on the way are not followed" },
  );
}

function has(top: number, path: Uint8Array): boolean {
  try {
    using found = lookAt(top, path);
    return found !== undefined;
  } catch (fault) {
    // Beyond a mount or a directory that we may not search: the walk counts these.
    if (fault instanceof CallFailure && ["EXDEV", "EACCES"].includes(fault.code)) return true;
    throw fault;
  }
}

class Walk {
  readonly #root: WalkSide;
  readonly #base: WalkSide | undefined;
  readonly #pairs: WalkPairs | undefined;
  readonly #visit: Visit;
  readonly #path = new PathBuffer();
  readonly #change = new WalkChange(this.#path);

  readonly #tooDeep: TooDeep | undefined;

  constructor(
    { root, base }: { root: WalkSide; base: WalkSide | undefined },
    blindness: Blindness,
    visit: Visit,
    tooDeep: TooDeep | undefined,
  ) {
    this.#root = root;
    this.#base = base;
    this.#pairs = base && new WalkPairs(root, base, blindness);
    this.#visit = visit;
    this.#tooDeep = tooDeep;
  }

  start(scope: Scope): void {
    if (this.#base === undefined) this.#walkOne("A", this.#root, undefined, scope);
    else this.#walkBoth(this.#base, undefined, undefined, scope, true);
  }

  #walkOne(status: Status, side: WalkSide, above: Level | undefined, scope: Scope): void {
    const level = side.enter(above);
    for (; level.rank < level.entries.count; level.rank++) {
      this.#takeOne(status, status, side, level, scope);
    }
    side.leave();
  }

  /** Reports the entry at hand as `status`, and all below it as `statusBelow`. */
  #takeOne(
    status: Status | undefined,
    statusBelow: Status,
    side: WalkSide,
    level: Level,
    scope: Scope,
  ): void {
    const inner = scopeBelow(scope, level);
    if (inner === undefined) return;
    const before = this.#pushName(level);
    if (inner === "whole" && status !== undefined) this.#report(status, side, level);
    if (level.entries.isDirectory(level.rank)) {
      if (side.isDeepest) leaveOut(this.#path.take(), this.#tooDeep);
      else this.#walkOne(statusBelow, side, level, inner);
    }
    this.#path.cut(before);
  }

  /** Merges the entries of a directory that both sides have. */
  #walkBoth(
    base: WalkSide,
    inRoot: Level | undefined,
    inBase: Level | undefined,
    scope: Scope,
    sameType: boolean,
  ): void {
    const ours = this.#root.enter(inRoot);
    const theirs = base.enter(inBase);
    // What can't be listed on one side says nothing of what came or went.
    const isSeen = ours.handle !== undefined && theirs.handle !== undefined;
    if (scope === "whole" && sameType) {
      const timesCount = isSeen && this.#holdSame(base, ours, theirs);
      this.#unlessGone(() => {
        const status = this.#pairs!.directories(inRoot, inBase, timesCount);
        if (status !== undefined) this.#report(status, this.#root, inRoot);
      });
    }
    while (isSeen && (ours.rank < ours.entries.count || theirs.rank < theirs.entries.count)) {
      const order = compare(ours, theirs);
      if (order === 0) this.#takeBoth(base, ours, theirs, scope);
      else if (order < 0) {
        const status = hasOtherwise(ours, theirs) ? "T" : "A";
        this.#takeOne(status, "A", this.#root, ours, scope);
      } else {
        // What is something else in root is reported at its place there, as T.
        const status = hasOtherwise(theirs, ours) ? undefined : "D";
        this.#takeOne(status, "D", base, theirs, scope);
      }
      if (order <= 0) ours.rank++;
      if (order >= 0) theirs.rank++;
    }
    base.leave();
    this.#root.leave();
  }

  #takeBoth(base: WalkSide, ours: Level, theirs: Level, scope: Scope): void {
    const inner = scopeBelow(scope, ours);
    if (inner === undefined) return;
    const before = this.#pushName(ours);
    this.#unlessGone(() => {
      if (ours.entries.isDirectory(ours.rank)) {
        const sameType = this.#typeOf(this.#root, ours) === this.#typeOf(base, theirs);
        if (!sameType && inner === "whole") this.#report("T", this.#root, ours);
        if (this.#root.isDeepest) leaveOut(this.#path.take(), this.#tooDeep);
        else this.#walkBoth(base, ours, theirs, inner, sameType);
      } else if (inner === "whole") {
        const sameType = ours.entries.type(ours.rank) === theirs.entries.type(theirs.rank);
        const status = sameType ? this.#pairs!.files(this.#path.take(), ours, theirs) : "T";
        if (status !== undefined) this.#report(status, this.#root, ours);
      }
    });
    this.#path.cut(before);
  }

  #holdSame(base: WalkSide, ours: Level, theirs: Level): boolean {
    if (!this.#root.isBtrfs || !base.isBtrfs)
      return ours.entries.holdsSame(theirs.entries, () => true);
    return ours.entries.holdsSame(theirs.entries, (rank) => {
      if (!ours.entries.isDirectory(rank)) return false;
      const [left, right] = [
        this.#root.status({ ...ours, rank }),
        base.status({ ...theirs, rank }),
      ];
      return this.#root.isSubvolume(left) && base.isSubvolume(right);
    });
  }

  #typeOf(side: WalkSide, level: Level | undefined): "directory" | "subvolume" {
    if (level === undefined) return "directory";
    return side.typeOf(level, side.status(level)) === "subvolume" ? "subvolume" : "directory";
  }

  #report(status: Status, side: WalkSide, level: Level | undefined): void {
    this.#unlessGone(() => {
      const isDir = level === undefined || level.entries.isDirectory(level.rank);
      const type = isDir ? this.#typeOf(side, level) : level.entries.type(level.rank);
      this.#change.aim(status, type, side, level);
      this.#visit(this.#change);
    });
  }

  /** What goes away while it is looked at is not there to be reported. */
  #unlessGone(action: () => void): void {
    try {
      action();
    } catch (fault) {
      if (!(fault instanceof Vanished)) throw fault;
    }
  }

  #pushName({ entries, rank }: Level): number {
    return this.#path.push(entries.arena, entries.nameStart(rank), entries.nameLength(rank));
  }
}

/** Which of two entries comes first: less than 0 ours, more than 0 theirs. */
function compare(ours: Level, theirs: Level): number {
  if (ours.rank === ours.entries.count) return 1;
  if (theirs.rank === theirs.entries.count) return -1;
  return ours.entries.compare(ours.rank, theirs.entries, theirs.rank);
}

function scopeBelow(scope: Scope, { entries, rank }: Level): Scope | undefined {
  return scope === "whole" ? scope : scope.below(entries.name(rank));
}

/** Whether the other side has the name too, but as a directory where this is none, or none where it is. */
function hasOtherwise({ entries, rank }: Level, other: Level): boolean {
  return other.entries.has(entries.name(rank), !entries.isDirectory(rank));
}
