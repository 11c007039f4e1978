/**
 * Records in another order than that of the walk. All must be held for that, so
 * they are kept as bytes in one piece, with a few numbers for each.
 */
import type { Change } from "../btrfs/change.ts";
import { grown } from "../grown.ts";

export type SortKey = "size" | "mtime";

export class SortedRecords {
  #bytes = new Uint8Array(64 * 1024);
  #used = 0;
  #count = 0;
  #starts = new Float64Array(1024);
  #keys = new Float64Array(1024);

  /** @param key the greatest comes first; equal ones as they came */
  add(record: Uint8Array, key: number): void {
    if (this.#used + record.length > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, 2 * (this.#used + record.length));
    }
    if (this.#count === this.#keys.length) {
      this.#starts = grown(this.#starts, 2 * this.#count);
      this.#keys = grown(this.#keys, 2 * this.#count);
    }
    this.#starts[this.#count] = this.#used;
    this.#keys[this.#count] = key;
    this.#bytes.set(record, this.#used);
    this.#used += record.length;
    this.#count++;
  }

  /** Gives each record, lent, in order. */
  drain(write: (record: Uint8Array) => void): void {
    const keys = this.#keys;
    const order = Uint32Array.from({ length: this.#count }, (_, index) => index);
    order.sort((a, b) => keys[b]! - keys[a]! || a - b);
    for (const index of order) {
      const end = index + 1 === this.#count ? this.#used : this.#starts[index + 1]!;
      write(this.#bytes.subarray(this.#starts[index]!, end));
    }
  }
}

/** What a change is sorted by: bytes, or seconds since 1970. */
export function sortKeyOf(change: Change, by: SortKey): number {
  const { sizeBytes, mtime } = change.inode();
  if (by === "mtime") return mtime.seconds + mtime.nanoseconds / 1e9;
  return change.type === "file" ? sizeBytes : 0;
}
