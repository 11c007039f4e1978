/**
 * Another thread that makes copies, where there are many: making a file is work for the
 * kernel, which does that of two threads at once.
 *
 * It is given files of a frozen tree alone, which are what they were when they were
 * looked at, one directory's at a time. What it has not begun when it is needed is taken
 * back, and what it can't do is given back: that is done here then, and fails here, with
 * words.
 */
import type { MessagePort } from "node:worker_threads";
import { Failure } from "../../fault.ts";
import type { CopyAction } from "../../plans/copy.ts";
import { Handle } from "../at.ts";
import { checked, libc } from "../libc.ts";
import { DONE, FREE, OURS, States } from "../sharing/states.ts";
import type { StageTraits } from "./stage.ts";

/** With fewer paths the copy is over before a thread pays for its start. */
const PATHS_ALONE = 1000;
/** One that is done, and the next one. */
const GIVEN_MAX = 2;
/** How long it may show no sign of life while it is waited for: a poor disk makes a file wait for minutes. */
const PATIENCE_MS = 600_000;
/** So often its state is looked at again. */
const LOOKS = 60;
/** F_DUPFD_CLOEXEC of fcntl(2). */
const DUPLICATE = 1030;

/** Files of one directory, and where they are made. */
export interface Batch extends Disposable {
  readonly actions: readonly CopyAction[];
  /** Descriptors of directories, open until all of it is done. */
  readonly source: number;
  readonly target: number;
  /** That they are made on. */
  readonly stage: StageTraits;
}

/** What the thread is told of it. */
export interface Task extends Pick<Batch, "source" | "target"> {
  readonly index: number;
  readonly isLabelled: boolean;
  /** Each with its NUL. */
  readonly names: Uint8Array;
}

/** What it tells when it is done. */
export interface Outcome {
  readonly index: number;
  /** Indexes of the files that have no copy. */
  readonly undone: readonly number[];
  /** That were copied and not shared. */
  readonly bytes: number;
  /** Why no more is known of what stands on the stage. */
  readonly failure?: string | undefined;
}

/** A batch that came back. */
export interface Returned extends Omit<Outcome, "index" | "undone"> {
  readonly batch: Batch;
  readonly undone: readonly CopyAction[];
}

export class CopyHelper implements Disposable {
  readonly #states: States;
  readonly #patienceMs: number;
  readonly #given = new Map<number, Batch>();
  #port: MessagePort | undefined;
  #next = 0;
  #isLost = false;

  /** @param entry the file that the thread runs; it calls helpCopying(). None: no thread */
  constructor(entry: URL | undefined, paths: number, patienceMs = PATIENCE_MS) {
    this.#patienceMs = patienceMs;
    this.#states = new States(paths);
    const isWanted = paths >= PATHS_ALONE && navigator.hardwareConcurrency > 1;
    if (isWanted && entry !== undefined) this.#port = this.#start(entry);
  }

  get isFree(): boolean {
    return this.#port !== undefined && this.#given.size < GIVEN_MAX;
  }

  give({ actions, source, target, stage }: Omit<Batch, typeof Symbol.dispose>): void {
    using opening = new DisposableStack();
    const own = {
      source: opening.use(duplicate(source)).fd,
      target: opening.use(duplicate(target)).fd,
    };
    const opened = opening.move();
    const index = this.#next++;
    this.#given.set(index, { ...own, actions, stage, [Symbol.dispose]: () => opened.dispose() });
    const { isLabelled } = stage;
    const task: Task = { ...own, index, isLabelled, names: namesOf(actions) };
    this.#port!.postMessage(task);
  }

  /** Those that are done. They are the caller's to close. */
  *takeDone(): Generator<Returned> {
    if (this.#given.size === 0) return;
    const { receiveMessageOnPort } = threads();
    for (;;) {
      const sent = receiveMessageOnPort(this.#port!) as { message: Outcome } | undefined;
      if (sent === undefined) return;
      yield this.#returned(sent.message);
    }
  }

  /** All of them: what it has not begun comes back undone. @throws Failure */
  *takeAll(): Generator<Returned> {
    for (const index of [...this.#given.keys()].reverse()) {
      if (this.#states.take(index, OURS) !== FREE) continue;
      const { actions } = this.#given.get(index)!;
      yield this.#returned({ index, undone: [...actions.keys()], bytes: 0 });
    }
    for (const index of this.#given.keys()) this.#wait(index);
    while (this.#given.size > 0) yield* this.takeDone();
  }

  /** Ends once the thread is at nothing any more, or is given up. */
  [Symbol.dispose](): void {
    if (this.#isLost) return;
    try {
      for (const { batch } of this.takeAll()) batch[Symbol.dispose]();
    } catch (error) {
      if (!this.#isLost) throw error;
    }
  }

  #start(entry: URL): MessagePort {
    const { Worker, MessageChannel } = threads();
    const { port1, port2 } = new MessageChannel();
    const workerData = { port: port2, states: this.#states.words };
    const worker = new Worker(entry, { workerData, transferList: [port2] });
    // One that can't start takes nothing, so that all is done here; unheard, it would end us.
    worker.on("error", () => undefined);
    worker.unref();
    return port1;
  }

  #returned({ index, undone, ...rest }: Outcome): Returned {
    const batch = this.#given.get(index)!;
    this.#given.delete(index);
    return { ...rest, batch, undone: undone.map((each) => batch.actions[each]!) };
  }

  #wait(index: number): void {
    let seen = this.#states.life;
    let lastMs = performance.now();
    while (this.#states.take(index, OURS) !== DONE) {
      this.#states.waitWhileTheirs(index, this.#patienceMs / LOOKS);
      const nowMs = performance.now();
      if (this.#states.life !== seen) lastMs = nowMs;
      seen = this.#states.life;
      if (nowMs - lastMs < this.#patienceMs) continue;
      this.#isLost = true;
      throw new Failure("Cannot finish the copy: a thread of its own shows no sign of life");
    }
  }
}

function duplicate(fd: number): Handle {
  return new Handle(checked(libc().fcntl(fd, DUPLICATE, 0), () => "Cannot keep a directory open"));
}

function namesOf(actions: readonly CopyAction[]): Uint8Array {
  const end = Buffer.from([0]);
  return Buffer.concat(
    actions.flatMap(({ path }) => [path.subarray(path.lastIndexOf(0x2f) + 1), end]),
  );
}

/** Loaded when wanted: most copies are of few files. */
function threads(): typeof import("node:worker_threads") {
  return require("node:worker_threads");
}
