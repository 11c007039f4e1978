/**
 * Lines for many files of one directory at once: most of a million paths are of
 * that kind, and differ in their last name alone. Byte loops, because names are
 * short and a call for each costs more than its bytes.
 */
import type { AddedFiles } from "../btrfs/visit.ts";
import type { ListingFormat } from "./listing.ts";

const PIECE_BYTES = 64 * 1024;
const NEWLINE = 10;
const SLASH = 0x2f;
const NAME_BYTES_MAX = 255;
const ADDED = Uint8Array.of(0x41, 0x09);

export class FileLines {
  readonly #status: boolean;
  readonly #end: number;
  readonly #write: (bytes: Uint8Array) => void;
  #bytes = new Uint8Array(PIECE_BYTES);

  /** @param format of lines or NUL-ended records for programs */
  constructor({ kind, status }: ListingFormat, write: (bytes: Uint8Array) => void) {
    this.#status = status;
    this.#end = kind === "null" ? 0 : NEWLINE;
    this.#write = write;
  }

  /** @returns how many names can't be a line, and are left out */
  add({ directory, entries, from, to }: AddedFiles): number {
    const prefix = this.#prefixOf(directory);
    if (this.#end === NEWLINE && directory.includes(NEWLINE)) return to - from;
    const bytes = this.#roomFor(prefix);
    const end = this.#end;
    const { arena } = entries;
    let withheld = 0;
    let used = 0;
    for (let rank = from; rank < to; rank++) {
      if (used + prefix.length + NAME_BYTES_MAX + 1 > bytes.length) {
        this.#write(bytes.subarray(0, used));
        used = 0;
      }
      const before = used;
      for (let index = 0; index < prefix.length; index++) bytes[used++] = prefix[index]!;
      const start = entries.nameStart(rank);
      const stop = start + entries.nameLength(rank);
      let fits = true;
      for (let index = start; index < stop; index++) {
        const byte = arena[index]!;
        if (byte === end) fits = false;
        bytes[used++] = byte;
      }
      bytes[used++] = end;
      if (fits) continue;
      used = before;
      withheld++;
    }
    this.#write(bytes.subarray(0, used));
    return withheld;
  }

  #prefixOf(directory: Uint8Array): Uint8Array {
    const status = this.#status ? ADDED.length : 0;
    const prefix = new Uint8Array(status + directory.length + 1);
    if (this.#status) prefix.set(ADDED);
    prefix.set(directory, status);
    prefix[prefix.length - 1] = SLASH;
    return prefix;
  }

  /** A path may be longer than any piece: directories nest without end. */
  #roomFor(prefix: Uint8Array): Uint8Array {
    const needed = 2 * (prefix.length + NAME_BYTES_MAX + 1);
    if (this.#bytes.length < needed) this.#bytes = new Uint8Array(needed);
    return this.#bytes;
  }
}
