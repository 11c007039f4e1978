/**
 * What one subvolume has that another has not: both trees walked from the top at
 * once, in the order of their paths.
 *
 * Both are always descended into where both have a directory, however alike its
 * inodes: an unchanged directory says nothing of what lies deeper. Memory holds
 * one directory's entries a level. A directory's mtime counts only where its
 * entries are the same: else it follows from a name that came or went, and that
 * is reported itself.
 */
import { addedAhead } from "./added-ahead.ts";
import { isDirectory, type Status } from "./change.ts";
import { Damage, Vanished } from "./damage.ts";
import { holdSameEntries } from "./listing-queries.ts";
import { requireOneOf } from "./lookup.ts";
import { compare, hasOtherwise, scopeBelow } from "./merge.ts";
import { PairComparison } from "./pair-comparison.ts";
import { PathBuffer } from "./path-buffer.ts";
import { Pruning } from "./pruning.ts";
import { type Scope, scopeOf, splitPath } from "./scope.ts";
import type { Offered, Share } from "./share.ts";
import { type InodeId, type Level, Side, type Subvolume, type Target } from "./side.ts";
import { countingFrom, Since } from "./since.ts";
import { leaveOut } from "./too-deep.ts";
import { TreeChange } from "./tree-change.ts";
import type { DiffOptions, Visit } from "./visit.ts";

/**
 * Calls `visit` for each path that differs, in byte order of the paths, where a
 * directory sorts as `name/`. Without a base everything is added. Where the root is
 * in use, what stays is reported, and once; `change.inode()` and `linkText()` throw
 * Vanished for what went away, which ends that visit and not the walk.
 *
 * @throws UsageFault for a path in `within` that neither has; Failure where
 *   metadata is damaged or can't be read
 */
export function diffTrees(
  subvolumes: { root: Subvolume; base: Subvolume | undefined },
  options: DiffOptions,
  visit: Visit,
): void {
  const since = countingFrom(subvolumes.root, options.since);
  const root = new Side(subvolumes.root, since);
  const base = subvolumes.base && new Side(subvolumes.base);
  const paths = options.within?.map(splitPath);
  for (const names of paths ?? []) requireOneOf(root, base, names);
  const walk = new Walk(root, base, { ...options, since }, visit);
  walk.start(scopeOf(paths));
}

/**
 * Reports all below directories that were added, as a part of a comparison.
 *
 * @returns what does so for one directory
 */
export function addedWalk(
  root: Subvolume,
  options: Pick<DiffOptions, "visitFiles">,
  visit: Visit,
): (directory: Offered) => void {
  const content = () => false;
  const walk = new Walk(new Side(root), undefined, { ...options, content }, visit);
  return (directory) => walk.walkAdded(directory, directory.path);
}

const EMPTY = new Uint8Array();
const SLASH = 0x2f;

class Walk {
  readonly #root: Side;
  readonly #base: Side | undefined;
  readonly #pairs: PairComparison | undefined;
  readonly #pruning: Pruning | undefined;
  readonly #since: Since | undefined;
  readonly #visit: Visit;
  readonly #visitFiles: DiffOptions["visitFiles"];
  readonly #share: Share | undefined;
  readonly #tooDeep: DiffOptions["tooDeep"];
  readonly #path = new PathBuffer();
  readonly #change = new TreeChange(this.#path);

  constructor(root: Side, base: Side | undefined, options: DiffOptions, visit: Visit) {
    this.#root = root;
    this.#base = base;
    this.#pairs = base && new PairComparison(root, base, options.content);
    this.#pruning =
      base && options.touched && new Pruning(options.touched, root.top.tree, base.top.tree);
    const { since } = options;
    this.#since = since === undefined ? undefined : new Since(root.reader, since);
    this.#visit = visit;
    this.#tooDeep = options.tooDeep;
    // What was added is new as a whole, but need not have been written since.
    this.#visitFiles = since === undefined ? options.visitFiles : undefined;
    this.#share = since === undefined ? options.share : undefined;
  }

  start(scope: Scope): void {
    this.#namingDamage(() => {
      if (this.#base === undefined) this.#walkOne("A", this.#root, this.#root.top, scope);
      else this.#walkBoth(this.#base, this.#root.top, this.#base.top, scope);
    });
  }

  /** An item's key is what tools know it by, and a path what people do: the one that the walk is at. */
  #namingDamage(walk: () => void): void {
    try {
      walk();
    } catch (fault) {
      throw fault instanceof Damage ? fault.at(this.#path.take()) : fault;
    }
  }

  /** Reports all entries below a directory that only one side has. */
  #walkOne(status: Status, side: Side, directory: InodeId, scope: Scope): void {
    const level = side.enter(directory);
    const { listing } = level;
    level.isAdded = status === "A" && scope === "whole";
    level.pathLength = this.#path.length;
    let taken = 0;
    for (; level.rank < listing.count; level.rank++) {
      if (scope === "whole" && !listing.isDirectory(level.rank)) {
        if (status === "A" && level.rank >= taken) taken = this.#takeFiles(level);
        if (level.rank === listing.count) break;
        if (listing.isDirectory(level.rank)) this.#takeOne(status, status, side, level, scope);
        else this.#takeLeaf(status, side, level);
      } else {
        this.#takeOne(status, status, side, level, scope);
      }
    }
    side.leave();
  }

  /** Reports a run of files at once, if that is wanted. @returns from where on there may be another */
  #takeFiles(level: Level): number {
    const { directory, listing: entries, rank: from } = level;
    const to = this.#visitFiles === undefined ? entries.count : entries.endOfFiles(from);
    if (this.#visitFiles === undefined || to === from) return to;
    const path = this.#path.length === 0 ? EMPTY : this.#path.take();
    const files = { tree: directory.tree, directory: path, entries, from, to };
    if (this.#visitFiles(files)) level.rank = to;
    return to;
  }

  /** Reports an entry that has none below it: what most of a million are. */
  #takeLeaf(status: Status, side: Side, level: Level): void {
    if (this.#isOlder(side, level)) return;
    const { directory, listing, rank } = level;
    const above = this.#path.push(listing.arena, listing.nameStart(rank), listing.nameLength(rank));
    const { tree } = directory;
    this.#change.aim(status, listing.type(rank)!, side, tree, listing.child(rank), directory);
    this.#tell(side);
    this.#path.cut(above);
  }

  /** Reports the entry at hand as `status`, and all below it as `statusBelow`. */
  #takeOne(
    status: Status | undefined,
    statusBelow: Status,
    side: Side,
    level: Level,
    scope: Scope,
  ): void {
    const inner = scopeBelow(scope, level);
    if (inner === undefined || this.#isOlder(side, level)) return;
    const target = side.target(level);
    const above = this.#pushName(level);
    if (inner === "whole" && status !== undefined) this.#report(status, side, target);
    if (isDirectory(target.type)) this.#descend(statusBelow, side, target, inner);
    this.#path.cut(above);
  }

  #descend(status: Status, side: Side, directory: Target, scope: Scope): void {
    if (side.isDeepest) leaveOut(this.#path.take(), this.#tooDeep);
    else if (!this.#isShared(status, scope, directory)) {
      this.#walkOne(status, side, directory, scope);
    }
  }

  /** Whether all below an added directory was reported by somebody else. */
  #isShared(status: Status, scope: Scope, directory: InodeId): boolean {
    if (this.#share === undefined || status !== "A" || scope !== "whole") return false;
    if (this.#share.isWanted()) this.#share.offer(addedAhead(this.#root.levels(), this.#path));
    return this.#share.takes(directory);
  }

  /** Reports all below an added directory. @param path its own */
  walkAdded(directory: InodeId, path: Uint8Array): void {
    this.#path.push(path, 1, path.length - 1);
    this.#root.topDepth = path.reduce((depth, byte) => (byte === SLASH ? depth + 1 : depth), 0);
    this.#walkOne("A", this.#root, directory, "whole");
    this.#path.cut(0);
  }

  /** Merges the entries of a directory that both sides have. */
  #walkBoth(base: Side, inRoot: Target, inBase: Target, scope: Scope): void {
    const ours = this.#root.enter(inRoot);
    const theirs = base.enter(inBase);
    ours.isAdded = scope === "whole" && theirs.listing.count === 0;
    ours.pathLength = this.#path.length;
    if (scope === "whole" && inRoot.type === inBase.type) {
      const timesCount = holdSameEntries(ours.listing, theirs.listing);
      const status = this.#pairs!.directories(inRoot, inBase, timesCount);
      this.#reportOf(status, base, inRoot, inBase);
    }
    for (let order = compare(ours, theirs); order !== undefined; order = compare(ours, theirs)) {
      if (order === 0) {
        this.#takeBoth(base, ours, theirs, scope);
      } else if (order < 0) {
        const status = hasOtherwise(ours, theirs.listing) ? "T" : "A";
        this.#takeOne(status, "A", this.#root, ours, scope);
      } else {
        // What is something else in root is reported at its place there, as T.
        const status = hasOtherwise(theirs, ours.listing) ? undefined : "D";
        this.#takeOne(status, "D", base, theirs, scope);
      }
      if (order <= 0) ours.rank++;
      if (order >= 0) theirs.rank++;
    }
    base.leave();
    this.#root.leave();
  }

  #takeBoth(base: Side, ours: Level, theirs: Level, scope: Scope): void {
    const inner = scopeBelow(scope, ours);
    if (inner === undefined || this.#isOlder(this.#root, ours)) return;
    if (this.#pruning?.spares(ours, theirs)) return;
    this.#takePair(base, ours, this.#root.target(ours), base.target(theirs), inner);
  }

  /** @param level where the entry is, for its name */
  #takePair(base: Side, level: Level, inRoot: Target, inBase: Target, inner: Scope): void {
    const above = this.#pushName(level);
    const sameType = inRoot.type === inBase.type;
    if (!sameType && inner === "whole") this.#report("T", this.#root, inRoot);
    if (isDirectory(inRoot.type)) {
      if (this.#root.isDeepest) leaveOut(this.#path.take(), this.#tooDeep);
      else if (this.#pruning?.isPassage(inRoot, inBase))
        this.#passThrough(base, inRoot, inBase, inner);
      else this.#walkBoth(base, inRoot, inBase, inner);
    } else if (sameType && inner === "whole") {
      const status = this.#pairs!.files(() => this.#path.take(), inRoot, inBase);
      this.#reportOf(status, base, inRoot, inBase);
    }
    this.#path.cut(above);
  }

  /** Goes on to what was touched below a directory that was not itself. */
  #passThrough(base: Side, inRoot: Target, inBase: Target, scope: Scope): void {
    const level = this.#root.enter(inRoot);
    const { listing } = level;
    for (; level.rank < listing.count; level.rank++) {
      if (!this.#pruning!.leadsOn(listing.child(level.rank))) continue;
      if (this.#isOlder(this.#root, level)) continue;
      const inner = scopeBelow(scope, level);
      if (inner === undefined) continue;
      const target = this.#root.target(level);
      const { type, inode } = target;
      const twin = { type, inode, tree: inBase.tree, parent: inBase };
      this.#takePair(base, level, target, twin, inner);
    }
    this.#root.leave();
  }

  /** Whether an entry is one of root's, and nothing happened to it, or below it, since. */
  #isOlder(side: Side, level: Level): boolean {
    if (this.#since === undefined || side !== this.#root) return false;
    return this.#since.passesOver(level, this.#path.length);
  }

  #pushName({ listing, rank }: Level): number {
    return this.#path.push(listing.arena, listing.nameStart(rank), listing.nameLength(rank));
  }

  /** Reports what a comparison of both sides said. */
  #reportOf(status: Status | undefined, base: Side, inRoot: Target, inBase: Target): void {
    if (status === "D") this.#report(status, base, inBase);
    else if (status !== undefined) this.#report(status, this.#root, inRoot);
  }

  #report(status: Status, side: Side, { type, tree, inode, parent }: Target): void {
    this.#change.aim(status, type, side, tree, inode, parent);
    this.#tell(side);
  }

  /** What goes away while its visitor asks for more is not there to be reported. */
  #tell(side: Side): void {
    const change = this.#change;
    try {
      if (this.#since !== undefined && side === this.#root) {
        if (!this.#since.has(change)) return;
        if (this.#base === undefined) change.status = this.#since.statusOf(change);
      }
      this.#visit(change);
    } catch (fault) {
      if (!(fault instanceof Vanished)) throw fault;
    }
  }
}
