/**
 * A walk with a second thread, once it has taken so long that a thread's start is
 * worth it. Records of the other thread are written where the walk comes to their
 * directory, so the output is the same to the byte.
 */
import type { MessagePort } from "node:worker_threads";
import type { Offered, Share } from "../../btrfs/share.ts";
import type { InodeId } from "../../btrfs/side.ts";
import { Failure } from "../../fault.ts";
import { DONE, FREE, OURS, type Records, THEIRS, type Work } from "./work.ts";

/** A thread takes some 15 ms to start. */
const ALONE_MS = 20;
/** The clock is looked at once in so many directories. */
const DIRECTORIES_BETWEEN_LOOKS = 16;
/** How long the other thread may show no sign of life while it is waited for: a disk can be slow. */
const PATIENCE_MS = 60_000;
/** So often its state is looked at again. */
const LOOKS = 60;

export interface SharedWalkOptions {
  /** The file that the other thread runs; it calls helpWith(). */
  readonly helper: URL;
  readonly work: Pick<Work, "evidence" | "selection" | "format">;
  /** Takes what the other thread found. */
  readonly take: (records: Records) => void;
  readonly aloneMs?: number;
  readonly patienceMs?: number;
}

export class SharedWalk implements Share {
  readonly #options: SharedWalkOptions;
  readonly #begunMs = performance.now();
  /** By inode number; all are of one tree. */
  readonly #indexes = new Map<number, number>();
  readonly #arrived = new Map<number, Records>();
  #directories: readonly Offered[] = [];
  #states = new Int32Array(new SharedArrayBuffer(4));
  #port: MessagePort | undefined;
  #asked = 0;

  constructor(options: SharedWalkOptions) {
    this.#options = options;
  }

  isWanted(): boolean {
    if (this.#port !== undefined || ++this.#asked % DIRECTORIES_BETWEEN_LOOKS !== 0) return false;
    if (navigator.hardwareConcurrency < 2) return false;
    return performance.now() - this.#begunMs >= (this.#options.aloneMs ?? ALONE_MS);
  }

  offer(directories: readonly Offered[]): void {
    const { Worker, MessageChannel } = threads();
    const { port1, port2 } = new MessageChannel();
    this.#directories = directories;
    this.#states = new Int32Array(new SharedArrayBuffer(4 * (directories.length + 2)));
    for (const [index, { inode }] of directories.entries()) this.#indexes.set(inode, index);
    const work: Work = { ...this.#options.work, directories, states: this.#states };
    const workerData = { work, port: port2 };
    const worker = new Worker(this.#options.helper, { workerData, transferList: [port2] });
    worker.unref();
    this.#port = port1;
  }

  takes({ tree, inode }: InodeId): boolean {
    const index = this.#indexes.get(inode);
    if (index === undefined || this.#directories[index]!.tree !== tree) return false;
    if (Atomics.compareExchange(this.#states, index, FREE, OURS) === FREE) return false;
    if (this.#waitFor(index) !== DONE) return false;
    this.#take(index);
    return true;
  }

  /** @returns the state that the other thread leaves. @throws Failure where it shows no life */
  #waitFor(index: number): number {
    const life = () => Atomics.load(this.#states, this.#directories.length + 1);
    const lookMs = (this.#options.patienceMs ?? PATIENCE_MS) / LOOKS;
    let seen = life();
    for (let looks = 0; looks < LOOKS; looks++) {
      const state = Atomics.compareExchange(this.#states, index, FREE, OURS);
      if (state !== THEIRS) return state;
      Atomics.wait(this.#states, index, THEIRS, lookMs);
      if (life() !== seen) looks = 0;
      seen = life();
    }
    throw new Failure("Cannot finish the listing: its second thread shows no sign of life");
  }

  #take(index: number): void {
    const { receiveMessageOnPort } = threads();
    while (!this.#arrived.has(index)) {
      const message = receiveMessageOnPort(this.#port!) as { message: Records } | undefined;
      if (message !== undefined) this.#arrived.set(message.message.index, message.message);
    }
    const records = this.#arrived.get(index)!;
    this.#arrived.delete(index);
    this.#options.take(records);
    const bytes = records.pieces.reduce((sum, piece) => sum + piece.length, 0);
    const waiting = this.#directories.length;
    Atomics.sub(this.#states, waiting, bytes);
    Atomics.notify(this.#states, waiting);
  }
}

/** Loaded when wanted: most walks are over before. */
function threads(): typeof import("node:worker_threads") {
  return require("node:worker_threads");
}
