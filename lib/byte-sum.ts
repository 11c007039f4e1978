/**
 * Bytes of files added up, exactly: a file may be as large as 2^63, so a few make more
 * than a double holds.
 *
 * A file with several names weighs the same in all of them together, so that bytes
 * are those of the disk's content and not of its names.
 */
import type { Change, Inode } from "./btrfs/change.ts";
import { type Exact, exactOf } from "./exact.ts";

/** What one name of a file weighs. */
export interface Weight {
  readonly sizeBytes: Exact;
  readonly names: number;
}

/** What isn't a regular file. */
export const NOTHING: Weight = { sizeBytes: 0, names: 1 };

export function weightOf(change: Change): Weight {
  return change.type === "file" ? weightOfFile(change.inode()) : NOTHING;
}

/** For whoever has looked at its inode already, which takes longer than all else. */
export function weightOfFile({ sizeBytes, links }: Inode): Weight {
  return { sizeBytes, names: Math.max(1, links) };
}

export class ByteSum {
  /** Below 2^53, */
  #whole = 0;
  /** beside what no longer fits, */
  #beyond = 0n;
  /** and parts of bytes, where the names of a file share one. */
  #parts = 0;

  add({ sizeBytes, names }: Weight): void {
    if (typeof sizeBytes === "bigint") {
      this.#beyond += sizeBytes / BigInt(names);
      this.#parts += Number(sizeBytes % BigInt(names)) / names;
      return;
    }
    const rest = sizeBytes % names;
    this.#addWhole((sizeBytes - rest) / names);
    this.#parts += rest / names;
  }

  addSum(other: ByteSum): void {
    this.#addWhole(other.#whole);
    this.#beyond += other.#beyond;
    this.#parts += other.#parts;
  }

  /** Rounded, where parts of a byte are left. */
  get total(): Exact {
    const parts = Math.round(this.#parts);
    const sum = this.#whole + parts;
    if (this.#beyond === 0n && Number.isSafeInteger(sum)) return sum;
    return exactOf(this.#beyond + BigInt(this.#whole) + BigInt(parts));
  }

  #addWhole(bytes: number): void {
    const sum = this.#whole + bytes;
    if (Number.isSafeInteger(sum)) {
      this.#whole = sum;
    } else {
      this.#beyond += BigInt(this.#whole);
      this.#whole = bytes;
    }
  }
}
