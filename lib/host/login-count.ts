/** The line for a login message, counted: what makes it slower than a kept one is all loaded here. */
import { type Change, isDirectory } from "../btrfs/change.ts";
import { treesWithNested } from "../btrfs/nested.ts";
import { SmallTree } from "../btrfs/small-tree.ts";
import { TooDeep } from "../btrfs/too-deep.ts";
import type { TreeReader } from "../btrfs/tree-reader.ts";
import type { AddedFiles } from "../btrfs/visit.ts";
import { ByteSum, NOTHING, weightOfFile } from "../byte-sum.ts";
import { type Judge, type JudgeFilesIn, judgesBy, type PersistSide } from "../fate.ts";
import { latin1 } from "../latin1.ts";
import { Losses, type LossGroup } from "../losses/losses.ts";
import { swapOf } from "../plans/preview.ts";
import type { Profile } from "../profile.ts";
import { loginText } from "../report/login.ts";
import { subvolumeOf } from "./btrfs-ioctl.ts";
import type { Judges } from "./comparison.ts";
import { diffSubvolumes } from "./diff.ts";
import { persistSideOf } from "./fate.ts";
import type { LoginRequest } from "./login.ts";
import type { Answer } from "./login-answer.ts";
import { probeTopMounts } from "./probe/deciding-mounts.ts";
import { probeSwapFacts } from "./probe/preview-facts.ts";
import { type SubvolumesState, subvolumesState } from "./probe/subvolumes-state.ts";
import { openRoots, type Roots } from "./roots.ts";
import { TreeSearch } from "./tree-search.ts";

/** A login waits no longer; what was counted by then is said. */
const LIMIT_MS = 2000;
const CHANGES_BETWEEN_LOOKS = 256;
/** The tree of the top of every btrfs, where subvolumes are renamed: BTRFS_FS_TREE_OBJECTID. */
const TOP_TREE = 5;

export interface Counted {
  readonly line: string | undefined;
  /** What it followed from; undefined where more than that decided. */
  readonly basis: Pick<Answer, "place" | "mounts" | "state"> | undefined;
}

export async function countForLogin(
  profile: Profile,
  named: LoginRequest["named"],
): Promise<Counted> {
  const persistRoot = profile.persist.root;
  // Before any of it is used: a mount made meanwhile makes it another basis.
  const topMounts = probeTopMounts(persistRoot);
  using roots = await openRoots({ ...named, profile });
  const { device, live, persist } = roots;
  // Before the first path is read: what is written meanwhile makes it another state.
  const state = stateOf(roots);
  const basis = {
    place: { device, path: `/${profile.btrfs.root}`, persistRoot },
    mounts: { ...topMounts, live: live.map(latin1) },
    state: withoutPersist(state, roots),
  };
  const isSet = swapOf(probeSwapFacts(profile, roots)) === "done";
  if (!isSet) return { line: undefined, basis };
  const side = noting(persistSideOf(roots));
  const judges = judgesBy({
    live,
    persistRoot: persist?.path,
    persist: side,
    profile,
    ignore: true,
    explain: false,
  });
  const tree = new SmallTree(new TreeSearch(roots.root), subvolumeOf(roots.root));
  const count = new Count(judges, tree);
  const isWhole = walkFor(LIMIT_MS, roots, tree, count);
  const line = loginText({ lost: count.lost, groups: count.groups(), isWhole });
  // Of a persist root that is not there yet, nothing tells a change.
  if (!isWhole || persist === undefined) return { line, basis: undefined };
  return { line, basis: side?.isAsked === true ? { ...basis, state } : basis };
}

/**
 * With what is nested in the root: where that comes or goes, a directory above it changes.
 * The persist side last: most verdicts don't ask for it, and it is written to all the time.
 */
function stateOf({ root, base, persist }: Roots): SubvolumesState {
  const trees = [TOP_TREE, ...treesWithNested(new TreeSearch(root), subvolumeOf(root))];
  if (base !== undefined) trees.push(subvolumeOf(base));
  if (persist !== undefined) trees.push(subvolumeOf(persist.fd));
  return subvolumesState(root, trees);
}

function withoutPersist(state: SubvolumesState, { persist }: Roots): SubvolumesState {
  return persist === undefined ? state : { ...state, trees: state.trees.slice(0, -1) };
}

/** A persist side that knows whether it was asked for anything. */
function noting(side: PersistSide | undefined): (PersistSide & { isAsked: boolean }) | undefined {
  if (side === undefined) return undefined;
  return {
    isAsked: false,
    equalCopy(path) {
      this.isAsked = true;
      return side.equalCopy(path);
    },
  };
}

/** Thrown through the walk, and caught where that began. */
class TimeIsOver extends Error {}

/** @returns whether the walk came to its end */
function walkFor(
  limitMs: number,
  { root, base }: Roots,
  reader: TreeReader,
  count: Count,
): boolean {
  const endMs = performance.now() + limitMs;
  const tooDeep = new TooDeep();
  let changes = 0;
  let nextLook = CHANGES_BETWEEN_LOOKS;
  const step = (more: number) => {
    changes += more;
    if (changes < nextLook) return;
    nextLook = changes + CHANGES_BETWEEN_LOOKS;
    if (performance.now() > endMs) throw new TimeIsOver();
  };
  const visitFiles = (files: AddedFiles) => {
    step(files.to - files.from);
    return count.addFiles(files);
  };
  try {
    diffSubvolumes({ root, base, reader, tooDeep, visitFiles }, (change) => {
      step(1);
      count.add(change);
    });
  } catch (error) {
    if (error instanceof TimeIsOver) return false;
    throw error;
  }
  return tooDeep.failure() === undefined;
}

/** What is lost, as the whole preview counts it. */
class Count {
  #files = 0;
  readonly #bytes = new ByteSum();
  readonly #judge: Judge;
  readonly #judgeFilesIn: JudgeFilesIn;
  readonly #tree: SmallTree;
  readonly #losses = new Losses(Date.now());

  constructor({ judge, judgeFilesIn }: Judges, tree: SmallTree) {
    this.#judge = judge;
    this.#judgeFilesIn = judgeFilesIn;
    this.#tree = tree;
  }

  add(change: Change): void {
    if (change.status !== "D") this.#losses.note(change.path);
    if (isDirectory(change.type) || change.type === "socket") return;
    if (this.#judge(change).fate !== "lost") return;
    const inode = change.inode();
    const weight = change.type === "file" ? weightOfFile(inode) : NOTHING;
    this.#files++;
    this.#bytes.add(weight);
    this.#losses.add(change.path, weight, inode.ctime);
  }

  /** Files of one directory at once, where one verdict holds for all; false: one by one. */
  addFiles(files: AddedFiles): boolean {
    const { directory, from, to } = files;
    if (this.#judgeFilesIn(directory)?.fate !== "lost") return false;
    const sizeBytes = this.#tree.sizeOf(files);
    if (sizeBytes === undefined) return false;
    const weight = { sizeBytes, names: 1 };
    this.#files += to - from;
    this.#bytes.add(weight);
    this.#losses.addFiles(files, weight);
    return true;
  }

  get lost() {
    return { files: this.#files, bytes: this.#bytes.total };
  }

  groups(): LossGroup[] {
    return this.#losses.groups();
  }
}
