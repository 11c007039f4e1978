/**
 * A set of inode numbers, a bit each: numbers are given out one after another, so
 * a million of them take 128 KiB, and a few that lie far apart little more than
 * themselves.
 */
const CHUNK_BITS = 1024;

export class InodeSet {
  readonly #chunks = new Map<number, Uint32Array>();
  size = 0;

  has(inode: number): boolean {
    const words = this.#chunks.get(Math.floor(inode / CHUNK_BITS));
    if (words === undefined) return false;
    const bit = inode % CHUNK_BITS;
    return (words[bit >>> 5]! & (1 << (bit & 31))) !== 0;
  }

  /** @returns whether it is new */
  add(inode: number): boolean {
    const chunk = Math.floor(inode / CHUNK_BITS);
    let words = this.#chunks.get(chunk);
    if (words === undefined) {
      words = new Uint32Array(CHUNK_BITS / 32);
      this.#chunks.set(chunk, words);
    }
    const bit = inode % CHUNK_BITS;
    const mask = 1 << (bit & 31);
    if ((words[bit >>> 5]! & mask) !== 0) return false;
    words[bit >>> 5]! |= mask;
    this.size++;
    return true;
  }
}
