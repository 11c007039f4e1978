/**
 * Records in another order than that of the walk. All must be held for that, so
 * they are kept as bytes in one piece, with a few numbers for each.
 */
import type { Change } from "../btrfs/change.ts";
import type { Exact } from "../exact.ts";
import { grown } from "../grown.ts";

export type SortKey = "size" | "mtime";

/** A power of two; and one that leaves room for nanoseconds beside it in 53 bits. */
const LOW_BYTES = 2 ** 32;
const LOW_SECONDS = 2 ** 23;
const NANOSECONDS_MAX = 2 ** 30;

/** A number of up to 106 bits, in two halves that a double holds each: the order is theirs. */
export interface SortValue {
  readonly high: number;
  readonly low: number;
}

export class SortedRecords {
  #bytes = new Uint8Array(64 * 1024);
  #used = 0;
  #count = 0;
  #starts = new Float64Array(1024);
  #high = new Float64Array(1024);
  #low = new Float64Array(1024);

  /** The greatest comes first; equal ones as they came. */
  add(record: Uint8Array, { high, low }: SortValue): void {
    if (this.#used + record.length > this.#bytes.length) {
      this.#bytes = grown(this.#bytes, 2 * (this.#used + record.length));
    }
    if (this.#count === this.#high.length) {
      this.#starts = grown(this.#starts, 2 * this.#count);
      this.#high = grown(this.#high, 2 * this.#count);
      this.#low = grown(this.#low, 2 * this.#count);
    }
    this.#starts[this.#count] = this.#used;
    this.#high[this.#count] = high;
    this.#low[this.#count] = low;
    this.#bytes.set(record, this.#used);
    this.#used += record.length;
    this.#count++;
  }

  /** Gives each record, lent, in order. */
  drain(write: (record: Uint8Array) => void): void {
    const [high, low] = [this.#high, this.#low];
    const order = Uint32Array.from({ length: this.#count }, (_, index) => index);
    order.sort((a, b) => high[b]! - high[a]! || low[b]! - low[a]! || a - b);
    for (const index of order) {
      const end = index + 1 === this.#count ? this.#used : this.#starts[index + 1]!;
      write(this.#bytes.subarray(this.#starts[index]!, end));
    }
  }
}

/** What a change is sorted by: bytes, or the time since 1970 to the nanosecond. */
export function sortValueOf(change: Change, by: SortKey): SortValue {
  const { sizeBytes, mtime } = change.inode();
  if (by === "size") return sizeValue(change.type === "file" ? sizeBytes : 0);
  const { high, low } = halves(mtime.seconds, LOW_SECONDS);
  return { high, low: low * NANOSECONDS_MAX + mtime.nanoseconds };
}

export function sizeValue(bytes: Exact): SortValue {
  return halves(bytes, LOW_BYTES);
}

/** @param unit what the lower half is less than */
function halves(value: Exact, unit: number): SortValue {
  if (typeof value === "number") {
    const high = Math.floor(value / unit);
    return { high, low: value - high * unit };
  }
  const low = BigInt.asUintN(Math.log2(unit), value);
  return { high: Number((value - low) / BigInt(unit)), low: Number(low) };
}
