/**
 * The entries of one open directory, in byte order of their paths.
 *
 * A directory sorts with "/" behind its name, as in the metadata reader, so that
 * both give the same order. getdents64(2) is called directly, for it gives bytes
 * and types, and a file that nobody asks more of needs no call of its own.
 */

import type { FileType } from "../../btrfs/change.ts";
import { Vanished } from "../../btrfs/damage.ts";
import { compareBytes, sortOrder } from "../../btrfs/sort.ts";
import { checked, libc, ptr } from "../libc.ts";
import { asCallName, statusAt } from "./status.ts";

const BUFFER_BYTES = 256 * 1024;
/** struct linux_dirent64; see getdents(2). */
const Dirent = { inode: 0, recordLength: 16, type: 18, name: 19 } as const;
/** DT_* is the type of st_mode without its permissions, and 0 is unknown. */
const MODE_TYPE_SHIFT = 12;
const TYPES = new Map<number, FileType>([
  [1, "fifo"],
  [2, "character"],
  [4, "directory"],
  [6, "block"],
  [8, "file"],
  [10, "symlink"],
  [12, "socket"],
]);
const DT_DIR = 4;
const SLASH = 0x2f;
const DOT = 0x2e;

const buffer = new Uint8Array(new ArrayBuffer(BUFFER_BYTES));
const view = new DataView(buffer.buffer);

export class Entries {
  count = 0;
  /** All names one after another, those of directories with "/" behind. */
  arena = new Uint8Array(4096);
  #order = new Uint32Array(64);
  #used = 0;
  readonly #start: number[] = [];
  readonly #length: number[] = [];
  readonly #type: number[] = [];
  readonly #inode: number[] = [];

  /** Replaces the content by what the directory has. */
  load(directory: number): void {
    this.count = 0;
    this.#used = 0;
    for (;;) {
      const bytes = Number(libc().getdents64(directory, ptr(buffer), BUFFER_BYTES));
      checked(bytes, () => "Cannot list a directory");
      if (bytes === 0) break;
      for (let at = 0; at < bytes; at += view.getUint16(at + Dirent.recordLength, true)) {
        this.#add(directory, at);
      }
    }
    if (this.#order.length < this.count) this.#order = new Uint32Array(2 * this.count);
    for (let slot = 0; slot < this.count; slot++) this.#order[slot] = slot;
    sortOrder(this.#order, this.count, (a, b) => this.#compareSlots(this, a, b));
  }

  type(rank: number): FileType {
    return TYPES.get(this.#type[this.#order[rank]!]!) ?? "file";
  }

  isDirectory(rank: number): boolean {
    return this.#type[this.#order[rank]!] === DT_DIR;
  }

  nameStart(rank: number): number {
    return this.#start[this.#order[rank]!]!;
  }

  nameLength(rank: number): number {
    return this.#length[this.#order[rank]!]! - (this.isDirectory(rank) ? 1 : 0);
  }

  name(rank: number): Uint8Array {
    const start = this.nameStart(rank);
    return this.arena.subarray(start, start + this.nameLength(rank));
  }

  compare(rank: number, other: Entries, otherRank: number): number {
    return this.#compareSlots(other, this.#order[rank]!, other.#order[otherRank]!);
  }

  /** Whether a directory of that name is among them, or another file. */
  has(name: Uint8Array, asDirectory: boolean): boolean {
    let low = 0;
    let high = this.count;
    const key = new Uint8Array(name.length + (asDirectory ? 1 : 0)).fill(SLASH);
    key.set(name);
    while (low < high) {
      const middle = (low + high) >> 1;
      const slot = this.#order[middle]!;
      const [start, length] = [this.#start[slot]!, this.#length[slot]!];
      const order = compareBytes(this.arena, start, length, key, 0, key.length);
      if (order === 0) return true;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return false;
  }

  /**
   * Whether both have the same names for the same inodes.
   *
   * @param isSame asked where the numbers differ, as those of subvolumes may
   */
  holdsSame(other: Entries, isSame: (rank: number) => boolean): boolean {
    if (this.count !== other.count) return false;
    for (let rank = 0; rank < this.count; rank++) {
      if (this.compare(rank, other, rank) !== 0) return false;
      const [ours, theirs] = [this.#order[rank]!, other.#order[rank]!];
      if (this.#inode[ours] !== other.#inode[theirs] && !isSame(rank)) return false;
    }
    return true;
  }

  #add(directory: number, at: number): void {
    const name = at + Dirent.name;
    const length = buffer.indexOf(0, name) - name;
    const isDot =
      buffer[name] === DOT && (length === 1 || (length === 2 && buffer[name + 1] === DOT));
    if (isDot) return;
    const type = buffer[at + Dirent.type] || typeOf(directory, name, length);
    // A file system that tells no types: gone since it was listed.
    if (type === undefined) return;
    const slot = this.count++;
    if (this.#used + length + 1 > this.arena.length) this.#grow();
    const arena = this.arena;
    let to = this.#used;
    this.#start[slot] = to;
    for (let index = name; index < name + length; index++) arena[to++] = buffer[index]!;
    if (type === DT_DIR) arena[to++] = SLASH;
    this.#length[slot] = to - this.#used;
    this.#used = to;
    this.#type[slot] = type;
    const inode = at + Dirent.inode;
    this.#inode[slot] = view.getUint32(inode, true) + view.getUint32(inode + 4, true) * 2 ** 32;
  }

  #compareSlots(other: Entries, a: number, b: number): number {
    const [aStart, aLength] = [this.#start[a]!, this.#length[a]!];
    const [bStart, bLength] = [other.#start[b]!, other.#length[b]!];
    return compareBytes(this.arena, aStart, aLength, other.arena, bStart, bLength);
  }

  #grow(): void {
    const arena = new Uint8Array(2 * this.arena.length);
    arena.set(this.arena);
    this.arena = arena;
  }
}

/** Where the file system does not say it with the name. */
function typeOf(directory: number, start: number, length: number): number | undefined {
  try {
    return statusAt(directory, asCallName(buffer, start, length)).mode >> MODE_TYPE_SHIFT;
  } catch (fault) {
    if (fault instanceof Vanished) return undefined;
    throw fault;
  }
}
