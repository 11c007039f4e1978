/**
 * Whether two inodes hold the same content, remembered where they have more names:
 * a file with 300 hard links is read once, not 300 times.
 *
 * Bounded: what was met first is forgotten first, and then asked again.
 */
import type { InodeDetails } from "./inode.ts";

const PAIRS_MAX = 4096;

export class LinkedPairs {
  readonly #known = new Map<string, boolean>();

  /** The answer of `compare`, or the one it gave for another name of both inodes. */
  ask(left: InodeDetails, right: InodeDetails, compare: () => boolean): boolean {
    if (left.links < 2 || right.links < 2) return compare();
    const pair = `${left.tree} ${left.inode} ${right.tree} ${right.inode}`;
    const answer = this.#known.get(pair) ?? compare();
    if (!this.#known.has(pair)) this.#keep(pair, answer);
    return answer;
  }

  #keep(pair: string, answer: boolean): void {
    const [oldest] = this.#known.keys();
    if (oldest !== undefined && this.#known.size >= PAIRS_MAX) this.#known.delete(oldest);
    this.#known.set(pair, answer);
  }
}
