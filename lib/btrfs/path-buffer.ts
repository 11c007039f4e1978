/**
 * The path of the walk: one growing buffer, for a path is made of its parents'.
 *
 * Paths have no greatest length on a disk; PATH_MAX limits what one system call
 * takes, and a name below it must be reported all the same.
 */
const SLASH = 0x2f;
const TOP = new Uint8Array([SLASH]);

export class PathBuffer {
  /** The path lies at the start of these. */
  bytes = new Uint8Array(4096);
  /** Length of the current path; 0 is "/". */
  length = 0;

  /** Appends "/" and a name, and returns the former length for `cut()`. */
  push(from: Uint8Array, start: number, length: number): number {
    const before = this.length;
    if (before + 1 + length > this.bytes.length) this.#grow(before + 1 + length);
    const bytes = this.bytes;
    let at = before;
    bytes[at++] = SLASH;
    for (let index = start; index < start + length; index++) bytes[at++] = from[index]!;
    this.length = at;
    return before;
  }

  cut(length: number): void {
    this.length = length;
  }

  /** A copy of the current path. A view of it would cost five times as much. */
  take(): Uint8Array {
    return this.length === 0 ? TOP : this.bytes.slice(0, this.length);
  }

  #grow(needed: number): void {
    const bytes = new Uint8Array(2 * needed);
    bytes.set(this.bytes);
    this.bytes = bytes;
  }
}
