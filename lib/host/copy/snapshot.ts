/**
 * Snapshots for the time of a copy, so that all files are of one instant: read-only,
 * in a directory of their own at the top of the file system, which is closed to
 * others: a program that was replaced meanwhile can't be started from there.
 *
 * Whatever that directory holds is ours by its name, and of nobody once no run is at
 * work: what a killed one left is deleted by the next. Nothing there is a root, and
 * none of what looks for roots looks there.
 */
import { constants } from "node:fs";
import { Failure, Fault } from "../../fault.ts";
import { visible } from "../../text.ts";
import { Handle, lookAt, namesIn, openBeneath, tryToOpen } from "../at.ts";
import { filesystemInfo } from "../btrfs-ioctl.ts";
import { statusOf } from "../inode-status.ts";
import { checked, cString, libc, ptr } from "../libc.ts";
import { View } from "../roots/views.ts";
import { deleteSubvolume, subvolumeInfo, takeSnapshot } from "../snapshots.ts";
import { Lock } from "./lock.ts";
import { type Found, type SourceTree, SourceTrees } from "./trees.ts";

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
 * Takes a snapshot of the root, and of each subvolume in it once that is met.
 *
 * @param live the top of the root, open
 * @param device of its file system
 * @throws Fault where none can be taken
 */
export function freeze(live: number, device: string): Frozen {
  using taking = new DisposableStack();
  const top = taking.use(View.ofDevice(device, "read-write")).top;
  const lock = taking.use(new Lock(`snapshots-${filesystemInfo(top).id}`));
  const snapshots = taking.use(new Snapshots(top, lock));
  const root = snapshots.take(live);
  const trees = new SourceTrees(root, (place) => enter(snapshots, place));
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

/** Where there is a subvolume in the live tree: a snapshot of that one, or itself where none can be taken. */
function enter(snapshots: Snapshots, { tree, rest }: Found): SourceTree | undefined {
  const result = tryToOpen(tree.live, rest, DIRECTORY, 0);
  if (result < 0) return undefined;
  const live = new Handle(result);
  snapshots.keep(live);
  if (statusOf(live.fd).inode !== SUBVOLUME_INODE) return undefined;
  try {
    return snapshots.take(live.fd);
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return { fd: live.fd, live: live.fd, isFrozen: false };
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
