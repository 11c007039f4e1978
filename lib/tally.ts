/**
 * A comparison summed up: how much has which fate, where losses are largest, and whose
 * they are.
 *
 * Files are counted as fs-diff lists them, without directories and sockets. A
 * file with several names weighs the same in all of them together, so that bytes
 * are those of the disk's content and not of its names.
 */
import { type Change, isDirectory } from "./btrfs/change.ts";
import type { Fate, Judge } from "./fate.ts";
import { Losses, type LossGroup } from "./losses/losses.ts";

export interface Count {
  readonly files: number;
  readonly bytes: number;
}

export interface DirectoryLoss extends Count {
  readonly path: Uint8Array;
}

/** Losses are added up to directories of so many names: /var/lib/docker, whatever is in it. */
const DEPTH_NAMES = 3;
/** As many lost paths are remembered as one reads. */
const EXAMPLES_MAX = 20;
const SLASH = 0x2f;

export class Tally {
  readonly #counts = new Map<Fate, { files: number; bytes: number }>();
  readonly #directories = new Map<string, { files: number; bytes: number }>();
  readonly #examples: Uint8Array[] = [];
  readonly #nested: Uint8Array[] = [];
  readonly #losses: Losses;
  #uncopied = 0;

  /** @param now when the walk began */
  constructor(now: Date) {
    this.#losses = new Losses(now.getTime());
  }

  /** @param judge asked only for what is counted */
  add(change: Change, judge: Judge): void {
    if (change.type === "subvolume" && change.status !== "D")
      this.#nested.push(change.path.slice());
    if (change.status !== "D") this.#losses.note(change.path);
    if (isDirectory(change.type) || change.type === "socket") return;
    const { fate, reason } = judge(change);
    const { sizeBytes, links, ctime } = change.inode();
    const bytes = change.type === "file" ? sizeBytes / Math.max(1, links) : 0;
    addTo(this.#counts, fate, bytes);
    if (fate !== "lost") return;
    if (reason === "listed, not copied" || reason === "copy differs") this.#uncopied++;
    addTo(this.#directories, directoryOf(change.path), bytes);
    this.#losses.add(change.path, bytes, ctime);
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(change.path.slice());
  }

  count(fate: Fate): Count {
    return rounded(this.#counts.get(fate) ?? { files: 0, bytes: 0 });
  }

  /** Lost files that are listed: what somebody believes to be safe. */
  get uncopied(): number {
    return this.#uncopied;
  }

  /** The first lost files in the order of their paths. */
  get examples(): readonly Uint8Array[] {
    return this.#examples;
  }

  /** Tops of nested subvolumes in the root. */
  get nested(): readonly Uint8Array[] {
    return this.#nested;
  }

  /** Losses by whom they belong to, the largest first; to be asked for at the end. */
  groups(): LossGroup[] {
    return this.#losses.groups();
  }

  /** The directories that lose most, by bytes, then by files. */
  largestLosses(limit: number): DirectoryLoss[] {
    return [...this.#directories]
      .sort(([a, x], [b, y]) => y.bytes - x.bytes || y.files - x.files || (a < b ? -1 : 1))
      .slice(0, limit)
      .map(([path, count]) => ({ path: Buffer.from(path, "latin1"), ...rounded(count) }));
  }
}

function addTo<K>(counts: Map<K, { files: number; bytes: number }>, key: K, bytes: number): void {
  const count = counts.get(key);
  if (count === undefined) counts.set(key, { files: 1, bytes });
  else {
    count.files++;
    count.bytes += bytes;
  }
}

/** The directory that a loss is added up to, as latin1. */
function directoryOf(path: Uint8Array): string {
  let end = 0;
  for (let names = 0; names < DEPTH_NAMES; names++) {
    const slash = path.indexOf(SLASH, end + 1);
    if (slash === -1) break;
    end = slash;
  }
  if (end === 0) return "/";
  return Buffer.from(path.buffer, path.byteOffset, end).toString("latin1");
}

/** Shares of one file's bytes add up to whole bytes, but for the arithmetic. */
function rounded({ files, bytes }: Count): Count {
  return { files, bytes: Math.round(bytes) };
}
