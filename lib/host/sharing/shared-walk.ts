/**
 * A walk with more threads, once it is so long that a thread's start is worth it. Each takes
 * the next directory that is free; what was walked ahead of its turn is written where the
 * walk comes to it, so the output is the same to the byte.
 */
import type { MessagePort } from "node:worker_threads";
import type { Offered, Share } from "../../btrfs/share.ts";
import type { InodeId } from "../../btrfs/side.ts";
import { Failure } from "../../fault.ts";
import { bytesOf, type WalkAhead, walkAhead } from "./records.ts";
import { DONE, FREE, OURS, type State, States, THEIRS } from "./states.ts";
import { received, startThread } from "./thread.ts";
import type { Records, Work } from "./work.ts";

/**
 * A thread takes some 15 ms to start, which pays from so many directories on; or
 * after so long with fewer, where a disk is slow.
 */
const DIRECTORIES_ALONE = 512;
const ALONE_MS = 100;
/** Threads beside this one where the trees come from the disk, which takes many requests at once. */
const HELPERS_READING = 3;
/** Blocks that were read until then, of 512 bytes; less may be our own program. */
const READING_BLOCKS = 512;
/** The clock is looked at once in so many directories. */
const DIRECTORIES_BETWEEN_LOOKS = 16;
/** How long the others may show no sign of life while it is waited for: a disk can be slow. */
const PATIENCE_MS = 60_000;
/** So often its state is looked at again. */
const LOOKS = 60;

export interface SharedWalkOptions {
  /** The file that each other thread runs; it calls helpWith(). */
  readonly helper: URL;
  readonly work: Pick<Work, "evidence" | "selection" | "format">;
  /** Takes what was found ahead. */
  readonly take: (records: Records) => void;
  /** Whether to begin at the first directory. */
  readonly isEager?: boolean;
  /** How many threads to start; as many as suit the disk unless given. */
  readonly helpers?: number | undefined;
  readonly patienceMs?: number;
}

export class SharedWalk implements Share {
  readonly #options: SharedWalkOptions;
  readonly #begunMs = performance.now();
  readonly #begunBlocks = blocksRead();
  /** By inode number; all are of one tree. */
  readonly #indexes = new Map<number, number>();
  /** What waits, of all threads. */
  readonly #arrived = new Map<number, Records>();
  #directories: readonly Offered[] = [];
  #states = new States(0);
  readonly #ports: MessagePort[] = [];
  #asked = 0;
  #walkAhead: WalkAhead | undefined;
  #canWalkAhead = true;

  constructor(options: SharedWalkOptions) {
    this.#options = options;
  }

  isWanted(): boolean {
    if (this.#ports.length > 0 || navigator.hardwareConcurrency < 2) return false;
    if (this.#options.isEager) return true;
    if (++this.#asked % DIRECTORIES_BETWEEN_LOOKS !== 0) return false;
    return this.#asked >= DIRECTORIES_ALONE || performance.now() - this.#begunMs >= ALONE_MS;
  }

  offer(directories: readonly Offered[]): void {
    this.#directories = directories;
    this.#states = new States(directories.length);
    for (const [index, { inode }] of directories.entries()) this.#indexes.set(inode, index);
    const work: Work = { ...this.#options.work, directories, states: this.#states.words };
    const helpers = this.#options.helpers ?? this.#wantedHelpers();
    for (let helper = 0; helper < helpers; helper++) {
      this.#ports.push(startThread(this.#options.helper, { work }));
    }
  }

  #wantedHelpers(): number {
    return blocksRead() - this.#begunBlocks > READING_BLOCKS ? HELPERS_READING : 1;
  }

  takes({ tree, inode }: InodeId): boolean {
    const index = this.#indexes.get(inode);
    if (index === undefined || this.#directories[index]!.tree !== tree) return false;
    this.#states.position = index;
    if (this.#wait(index) !== DONE) return false;
    this.#take(index);
    return true;
  }

  /**
   * Works ahead while another thread is at a directory.
   *
   * @returns DONE, or else the directory is ours
   * @throws Failure where the others show no life
   */
  #wait(index: number): State {
    const lookMs = (this.#options.patienceMs ?? PATIENCE_MS) / LOOKS;
    let seen = this.#states.life;
    for (let looks = 0; looks < LOOKS; looks++) {
      const state = this.#states.take(index, OURS);
      if (state !== THEIRS) return state;
      if (this.#isAhead(index)) looks = 0;
      else this.#states.waitWhileTheirs(index, lookMs);
      if (this.#states.life !== seen) looks = 0;
      seen = this.#states.life;
    }
    throw new Failure("Cannot finish the listing: a thread of its own shows no sign of life");
  }

  /** Walks another directory meanwhile. @returns false where none can be */
  #isAhead(index: number): boolean {
    if (!this.#canWalkAhead || !this.#states.hasRoom) return false;
    const next = this.#states.takeNext(index + 1, OURS);
    if (next === undefined) return false;
    try {
      const records = this.#walk(next);
      this.#arrived.set(next, records);
      this.#states.addWaiting(bytesOf(records));
      this.#states.settle(next, DONE);
      return true;
    } catch {
      // It fails again where it comes, with words and after all that comes before it.
      this.#canWalkAhead = false;
      this.#states.settle(next, FREE);
      return false;
    }
  }

  #walk(index: number): Records {
    const work = { ...this.#options.work, directories: this.#directories };
    this.#walkAhead ??= walkAhead(work, () => {});
    return this.#walkAhead(index);
  }

  #take(index: number): void {
    for (let turn = 0; !this.#arrived.has(index); turn = (turn + 1) % this.#ports.length) {
      const records = received<Records>(this.#ports[turn]!);
      if (records !== undefined) this.#arrived.set(records.index, records);
    }
    const records = this.#arrived.get(index)!;
    this.#arrived.delete(index);
    this.#options.take(records);
    this.#states.addWaiting(-bytesOf(records));
  }
}

/** By this process, from disks: nothing where all is in memory. */
function blocksRead(): number {
  return process.resourceUsage().fsRead;
}
