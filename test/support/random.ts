/** Numbers that look random and are the same for the same seed (mulberry32). */

export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed;
  }

  /** Whole, from 0, below `limit`. */
  below(limit: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), 1 | this.#state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) % limit;
  }

  /** Those that a coin lets stay. */
  some<Item>(all: readonly Item[]): Item[] {
    return all.filter(() => this.below(2) === 0);
  }
}
