/**
 * Who is at which directory of a shared walk, in memory that its threads share; or at which
 * of the files that a copy gave to another thread, a directory's at a time.
 *
 * A directory is free, then taken with one atomic exchange, so each is taken once;
 * whoever took it settles it.
 */

/** Nobody's yet, or given back by whoever could not do it. */
export const FREE = 0;
/** Taken by the thread that began. */
export const OURS = 1;
/** Taken by another one, which is at it. */
export const THEIRS = 2;
/** Its records wait to be written. */
export const DONE = 3;

export type State = typeof FREE | typeof OURS | typeof THEIRS | typeof DONE;

/** So much may wait to be written before nothing more is done ahead: a slow reader must not fill memory. */
const WAITING_BYTES_MAX = 4 * 1024 * 1024;

/** Words behind those of the directories. */
const WAITING = 0;
const LIFE = 1;
const POSITION = 2;
const EXTRA_WORDS = 3;

export class States {
  readonly words: Int32Array<SharedArrayBuffer>;
  readonly count: number;

  /** @param words those of another `States`; or the count of directories, all free */
  constructor(words: Int32Array<SharedArrayBuffer> | number) {
    this.words =
      typeof words === "number"
        ? new Int32Array(new SharedArrayBuffer(4 * (words + EXTRA_WORDS)))
        : words;
    this.count = this.words.length - EXTRA_WORDS;
  }

  /** @returns the state it had: FREE where it is the caller's now */
  take(index: number, by: typeof OURS | typeof THEIRS): State {
    return Atomics.compareExchange(this.words, index, FREE, by) as State;
  }

  /** Takes the first one that is free, from an index on. @returns undefined where none is */
  takeNext(from: number, by: typeof OURS | typeof THEIRS): number | undefined {
    for (let index = Math.max(from, this.position); index < this.count; index++) {
      if (this.take(index, by) === FREE) return index;
    }
    return undefined;
  }

  settle(index: number, state: typeof FREE | typeof DONE): void {
    Atomics.store(this.words, index, state);
    Atomics.notify(this.words, index);
  }

  /** Until another thread settles it, or the time is over. */
  waitWhileTheirs(index: number, milliseconds: number): void {
    Atomics.wait(this.words, index, THEIRS, milliseconds);
  }

  /** The directory that the walk has come to: none ahead of it is needed any more. */
  get position(): number {
    return Atomics.load(this.words, this.count + POSITION);
  }

  set position(index: number) {
    Atomics.store(this.words, this.count + POSITION, index);
  }

  /** Changes whenever another thread has got on. */
  get life(): number {
    return Atomics.load(this.words, this.count + LIFE);
  }

  showLife(): void {
    Atomics.add(this.words, this.count + LIFE, 1);
  }

  addWaiting(bytes: number): void {
    Atomics.add(this.words, this.count + WAITING, bytes);
    Atomics.notify(this.words, this.count + WAITING);
  }

  get hasRoom(): boolean {
    return Atomics.load(this.words, this.count + WAITING) <= WAITING_BYTES_MAX;
  }

  waitForRoom(): void {
    const at = this.count + WAITING;
    for (let bytes = Atomics.load(this.words, at); bytes > WAITING_BYTES_MAX; ) {
      Atomics.wait(this.words, at, bytes);
      bytes = Atomics.load(this.words, at);
    }
  }
}
