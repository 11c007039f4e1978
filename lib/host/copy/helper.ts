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
import { latin1Part } from "../../latin1.ts";
import type { CopyAction } from "../../plans/copy.ts";
import { Handle } from "../at.ts";
import { checked, libc } from "../libc.ts";
import { DONE, FREE, OURS, States } from "../sharing/states.ts";
import { received, startThread } from "../sharing/thread.ts";
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
  /** Whether all of them are: see InodeStatus. */
  readonly isBare: boolean;
}

/** What the thread is told of it. */
export interface Task extends Pick<Batch, "source" | "target" | "isBare"> {
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
  readonly #entry: URL;
  #states = new States(0);
  readonly #patienceMs: number;
  readonly #given = new Map<number, Batch>();
  #port: MessagePort | undefined;
  #next = 0;
  #isLost = false;

  /** @param entry the file that the thread runs; it calls helpCopying() */
  constructor(entry: URL, patienceMs = PATIENCE_MS) {
    this.#entry = entry;
    this.#patienceMs = patienceMs;
  }

  /** Starts the thread where so many paths are worth one: it gets ready while more are looked at. */
  expect(paths: number): void {
    if (this.#port !== undefined || paths < PATHS_ALONE || navigator.hardwareConcurrency < 2)
      return;
    this.#port = startThread(this.#entry, {});
  }

  /** Comes before all that is given. @param paths at least as many as there will be batches */
  begin(paths: number): void {
    this.expect(paths);
    this.#states = new States(paths);
    this.#port?.postMessage(this.#states.words);
  }

  get isFree(): boolean {
    return this.#port !== undefined && this.#given.size < GIVEN_MAX;
  }

  give({ source, target, ...batch }: Omit<Batch, typeof Symbol.dispose>): void {
    using opening = new DisposableStack();
    const own = {
      source: opening.use(duplicate(source)).fd,
      target: opening.use(duplicate(target)).fd,
    };
    const opened = opening.move();
    const index = this.#next++;
    this.#given.set(index, { ...own, ...batch, [Symbol.dispose]: () => opened.dispose() });
    const { isLabelled } = batch.stage;
    const task: Task = {
      ...own,
      index,
      isLabelled,
      isBare: batch.isBare,
      names: namesOf(batch.actions),
    };
    this.#port!.postMessage(task);
  }

  /** Those that are done. They are the caller's to close. */
  *takeDone(): Generator<Returned> {
    if (this.#given.size === 0) return;
    for (;;) {
      const outcome = received<Outcome>(this.#port!);
      if (outcome === undefined) return;
      yield this.#returned(outcome);
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
  const names = actions.map(({ path }) => latin1Part(path, path.lastIndexOf(0x2f) + 1));
  return Buffer.from(`${names.join("\0")}\0`, "latin1");
}
