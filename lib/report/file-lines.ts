/**
 * Lines for many files of one directory at once: most of a million paths are of
 * that kind, and differ in their last name alone. A byte loop for that one: names
 * are short, and a call for each costs more than its bytes.
 */
import type { AddedFiles } from "../btrfs/visit.ts";
import { grown } from "../grown.ts";
import type { ListingFormat } from "./listing.ts";

const PIECE_BYTES = 64 * 1024;
const FIRST_BYTES = 4096;
const NEWLINE = 10;
const SLASH = 0x2f;
const NAME_BYTES_MAX = 255;
/** The letter of the status and a tab, the slash, the end. */
const EXTRA_BYTES = 4;
const LETTER_A = 0x41;
const TAB = 0x09;

export class FileLines {
  readonly #status: boolean;
  readonly #end: number;
  readonly #write: (bytes: Uint8Array) => void;
  #bytes = new Uint8Array(FIRST_BYTES);
  #used = 0;

  /** @param format of lines or NUL-ended records for programs */
  constructor({ kind, status }: ListingFormat, write: (bytes: Uint8Array) => void) {
    this.#status = status;
    this.#end = kind === "null" ? 0 : NEWLINE;
    this.#write = write;
  }

  /** What is added waits for `flush()`, or for more. @returns how many names can't be a line, and are left out */
  add({ directory, entries, from, to }: AddedFiles): number {
    if (this.#end === NEWLINE && directory.includes(NEWLINE)) return to - from;
    const { arena } = entries;
    const end = this.#end;
    const room = directory.length + NAME_BYTES_MAX + EXTRA_BYTES;
    let withheld = 0;
    // Where the last line stands, which begins like the next one.
    let last = -1;
    let beginning = 0;
    for (let rank = from; rank < to; rank++) {
      if (this.#used + room > this.#bytes.length) {
        this.#makeRoom(room);
        last = -1;
      }
      const bytes = this.#bytes;
      if (last < 0) beginning = this.#begin(directory);
      else bytes.copyWithin(this.#used, last, last + beginning);
      last = this.#used;
      let used = last + beginning;
      const start = entries.nameStart(rank);
      const stop = start + entries.nameLength(rank);
      let fits = true;
      for (let index = start; index < stop; index++) {
        const byte = arena[index]!;
        if (byte === end) fits = false;
        bytes[used++] = byte;
      }
      bytes[used++] = end;
      if (fits) this.#used = used;
      else withheld++;
    }
    return withheld;
  }

  /** Writes what all lines of a directory begin with. @returns its length */
  #begin(directory: Uint8Array): number {
    const bytes = this.#bytes;
    let used = this.#used;
    if (this.#status) {
      bytes[used++] = LETTER_A;
      bytes[used++] = TAB;
    }
    bytes.set(directory, used);
    used += directory.length;
    bytes[used++] = SLASH;
    return used - this.#used;
  }

  /** To be called ahead of any other record. */
  flush(): void {
    if (this.#used > 0) this.#write(this.#bytes.subarray(0, this.#used));
    this.#used = 0;
  }

  /** A path may be longer than any piece: directories nest without end. */
  #makeRoom(bytes: number): void {
    if (this.#bytes.length >= PIECE_BYTES) this.flush();
    const needed = Math.max(this.#used + bytes, Math.min(PIECE_BYTES, 2 * this.#bytes.length));
    if (needed > this.#bytes.length) this.#bytes = grown(this.#bytes, needed);
  }
}
