/**
 * Snapshots for the time of a copy, so that all files of a subvolume are of one instant:
 * the root, and what is nested in it, moments apart, for btrfs takes one at a time. Read-only,
 * in a directory of their own at the top of the file system, which is closed to
 * others: a program that was replaced meanwhile can't be started from there.
 *
 * Whatever that directory holds is ours by its name, and of nobody once no run is at
 * work: what a killed one left is deleted by the next. Nothing there is a root, and
 * none of what looks for roots looks there.
 */
import { constants } from "node:fs";
import { Failure, Fault } from "../../fault.ts";
import { latin1 } from "../../latin1.ts";
import { visible } from "../../text.ts";
import { ABSENT, Handle, lookAt, namesIn, openBeneath, tryToOpen } from "../at.ts";
import { filesystemInfo } from "../btrfs-ioctl.ts";
import { statusOf } from "../inode-status.ts";
import { CallFailure, checked, cString, libc, ptr } from "../libc.ts";
import { View } from "../roots/views.ts";
import { deleteSubvolume, subvolumeInfo, takeSnapshot } from "../snapshots.ts";
import { Lock } from "./lock.ts";
import { nestedSubvolumes } from "./nested.ts";
import { type SourceTree, SourceTrees } from "./trees.ts";

export const SNAPSHOTS = ".blankroot-copy";
const NAME = Buffer.from(SNAPSHOTS);
const AT_REMOVEDIR = 0x200;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
/** Of the top of every subvolume: BTRFS_FIRST_FREE_OBJECTID. */
const SUBVOLUME_INODE = 256n;

/** The root as it was at one instant. */
export interface Frozen extends Disposable {
  readonly trees: SourceTrees;
}

/**
 * Takes a snapshot of the root, and at once of each subvolume in it that has to do with
 * what is copied; of one that comes later, or can't be told, once that is met.
 *
 * @param live the top of the root, open
 * @param device of its file system
 * @param paths what is to be copied
 * @throws Fault where none can be taken
 */
export function freeze(live: number, device: string, paths: readonly Uint8Array[]): Frozen {
  using taking = new DisposableStack();
  const top = taking.use(View.ofDevice(device, "read-write")).top;
  const lock = taking.use(new Lock(`snapshots-${filesystemInfo(top).id}`));
  const snapshots = taking.use(new Snapshots(top, lock));
  // All that takes time is done before the first one is taken.
  const nested = nestedSubvolumes(live, paths).flatMap((path) => {
    const handle = openEarly(snapshots, live, Buffer.from(path, "latin1"));
    return handle === undefined ? [] : [{ path, live: handle }];
  });
  const root = snapshots.take(live);
  const early = new Map(nested.map((each) => [each.path, takeOrStayLive(snapshots, each.live)]));
  const trees = new SourceTrees(root, ({ tree, rest }, path) => {
    const taken = early.get(latin1(path));
    if (taken !== undefined) return taken;
    const handle = openSubvolume(snapshots, tree.live, rest);
    return handle === undefined ? undefined : takeOrStayLive(snapshots, handle);
  });
  const taken = taking.move();
  return { trees, [Symbol.dispose]: () => taken.dispose() };
}

class Snapshots implements Disposable {
  readonly #top: number;
  readonly #lock: Lock;
  readonly #directory: Handle;
  readonly #open: Handle[] = [];
  readonly #names: string[] = [];

  /** @param top of the file system */
  constructor(top: number, lock: Lock) {
    this.#top = top;
    this.#lock = lock;
    const isAlone = lock.claim();
    if (!isAlone) lock.share();
    this.#directory = openOwn(top);
    if (!isAlone) return;
    deleteAllIn(this.#directory);
    lock.share();
  }

  take(live: number): SourceTree {
    const name = `${process.pid}-${crypto.randomUUID()}`;
    takeSnapshot(live, this.#directory.fd, name);
    this.#names.push(name);
    const tree = openBeneath(this.#directory.fd, Buffer.from(name), DIRECTORY);
    this.#open.push(tree);
    return { fd: tree.fd, live, isFrozen: true };
  }

  /** Keeps what is open as long as the snapshots. */
  keep(handle: Handle): void {
    this.#open.push(handle);
  }

  [Symbol.dispose](): void {
    for (const handle of this.#open) handle[Symbol.dispose]();
    for (const name of this.#names) deleteIfPossible(this.#directory.fd, name);
    this.#directory[Symbol.dispose]();
    // Else another run is about to have its snapshots there.
    if (!this.#lock.claim()) return;
    const text = cString(NAME);
    libc().unlinkat(this.#top, ptr(text), AT_REMOVEDIR);
  }
}

/**
 * Undefined where there is none: its place is an empty directory then, as in a snapshot.
 *
 * @throws CallFailure where there may be one, lest it be taken for empty
 */
function openSubvolume(snapshots: Snapshots, top: number, path: Uint8Array): number | undefined {
  const result = tryToOpen(top, path, DIRECTORY, 0);
  if (ABSENT.has(-result)) return undefined;
  if (result < 0) throw new CallFailure(`Cannot open ${visible(path)}`, -result);
  const live = new Handle(result);
  snapshots.keep(live);
  return statusOf(live.fd).inode === SUBVOLUME_INODE ? live.fd : undefined;
}

/** The same before it is met; what is wrong with it is told then. */
function openEarly(snapshots: Snapshots, top: number, path: Uint8Array): number | undefined {
  try {
    return openSubvolume(snapshots, top, path);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return undefined;
  }
}

/** A snapshot, or the subvolume itself where none can be taken. */
function takeOrStayLive(snapshots: Snapshots, live: number): SourceTree {
  try {
    return snapshots.take(live);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { fd: live, live, isFrozen: false };
  }
}

/** What stays, the next run deletes. */
function deleteIfPossible(directory: number, name: string): void {
  try {
    deleteSubvolume(directory, name);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
  }
}

function openOwn(top: number): Handle {
  const name = cString(NAME);
  if (lookAtName(top) === "nothing") {
    checked(libc().mkdirat(top, ptr(name), 0o700), () => `Cannot make ${SNAPSHOTS}`);
  }
  const own = openBeneath(top, NAME, DIRECTORY);
  const { uid, mode, inode } = statusOf(own.fd);
  const isOurs = uid === process.geteuid!() && (mode & 0o077) === 0 && inode !== SUBVOLUME_INODE;
  if (isOurs) return own;
  own[Symbol.dispose]();
  throw new Failure(`Cannot use ${SNAPSHOTS} at the top of the file system: others can reach it`);
}

function lookAtName(top: number): "nothing" | "something" {
  using found = lookAt(top, NAME);
  return found === undefined ? "nothing" : "something";
}

/** What is no read-only snapshot was not put there by us, and stays. */
function deleteAllIn(directory: Handle): void {
  for (const bytes of namesIn(directory, NAME)) {
    const name = Buffer.from(bytes).toString("utf8");
    using found = openBeneath(directory.fd, bytes, DIRECTORY);
    const { isReadOnly, isSnapshot } = subvolumeInfo(found.fd);
    const isTop = statusOf(found.fd).inode === SUBVOLUME_INODE;
    if (isTop && isReadOnly && isSnapshot) deleteSubvolume(directory.fd, name);
    else throw new Failure(`Cannot use ${SNAPSHOTS}: ${visible(name)} is no snapshot of ours`);
  }
}
