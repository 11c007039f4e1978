/**
 * A comparison summed up: how much has which fate, where losses are largest, and whose
 * they are.
 *
 * Files are counted as fs-diff lists them, without directories and sockets.
 */
import { type Change, isDirectory } from "./btrfs/change.ts";
import { ByteSum, NOTHING, type Weight, weightOfFile } from "./byte-sum.ts";
import { compareExact, type Exact } from "./exact.ts";
import type { Fate, Judge } from "./fate.ts";
import { Losses, type LossGroup } from "./losses/losses.ts";

export interface Count {
  readonly files: number;
  readonly bytes: Exact;
}

export interface DirectoryLoss extends Count {
  readonly path: Uint8Array;
}

interface Sum {
  files: number;
  readonly bytes: ByteSum;
}

/** Losses are added up to directories of so many names: /var/lib/docker, whatever is in it. */
const DEPTH_NAMES = 3;
/** As many lost paths are remembered as one reads. */
const EXAMPLES_MAX = 20;
const SLASH = 0x2f;

export class Tally {
  readonly #counts = new Map<Fate, Sum>();
  readonly #directories = new Map<string, Sum>();
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
    const inode = change.inode();
    const weight = change.type === "file" ? weightOfFile(inode) : NOTHING;
    addTo(this.#counts, fate, weight);
    if (fate !== "lost") return;
    if (reason === "listed, not copied" || reason === "copy differs") this.#uncopied++;
    addTo(this.#directories, directoryOf(change.path), weight);
    this.#losses.add(change.path, weight, inode.ctime);
    if (this.#examples.length < EXAMPLES_MAX) this.#examples.push(change.path.slice());
  }

  count(fate: Fate): Count {
    const sum = this.#counts.get(fate);
    return sum === undefined ? { files: 0, bytes: 0 } : countOf(sum);
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
      .map(([name, sum]) => ({ name, ...countOf(sum) }))
      .sort(
        (a, b) => compareExact(b.bytes, a.bytes) || b.files - a.files || (a.name < b.name ? -1 : 1),
      )
      .slice(0, limit)
      .map(({ name, ...count }) => ({ path: Buffer.from(name, "latin1"), ...count }));
  }
}

function addTo<K>(sums: Map<K, Sum>, key: K, weight: Weight): void {
  let sum = sums.get(key);
  if (sum === undefined) {
    sum = { files: 0, bytes: new ByteSum() };
    sums.set(key, sum);
  }
  sum.files++;
  sum.bytes.add(weight);
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

function countOf({ files, bytes }: Sum): Count {
  return { files, bytes: bytes.total };
}
