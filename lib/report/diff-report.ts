/**
 * What fs-diff makes of the changes that it is given: records, sorted or not, with
 * whole directories or without, or sums. The walk stays the caller's.
 */
import type { Change } from "../btrfs/change.ts";
import type { AddedFiles } from "../btrfs/visit.ts";
import { weightOf } from "../byte-sum.ts";
import type { Judge, JudgeFilesIn, Verdict } from "../fate.ts";
import { isBelow, Mixed, type Whole, wholeOf } from "./collapse.ts";
import { FileLines } from "./file-lines.ts";
import { type ListingFormat, listingRecord, wholeRecord } from "./listing.ts";
import { isListedFate, isListedType, type Selection } from "./selection.ts";
import { SortedRecords, type SortKey, type SortValue, sizeValue, sortValueOf } from "./sorted.ts";
import { Stat } from "./stat.ts";
import type { LossTree } from "./tree.ts";

/** Takes a record; lent. */
export type Write = (record: Uint8Array) => void;

export interface DiffReport {
  /** Whether all changes must be shown to `prepare()` before. */
  readonly needsFirstPass: boolean;
  prepare(change: Change): void;
  add(change: Change): void;
  /** Takes many at once where they are all alike; false: they must be added one by one. */
  addFiles(files: AddedFiles): boolean;
  /** Writes what was held back. */
  finish(): void;
  /** How many paths were found. */
  readonly count: number;
  /** How many of them can't be a line. */
  readonly withheld: number;
}

/** What a Listing has made, in pieces. */
export interface Made {
  readonly pieces: readonly Uint8Array[];
  readonly count: number;
  readonly withheld: number;
}

/** One record for each path that is selected. */
export class Listing implements DiffReport {
  count = 0;
  withheld = 0;
  readonly #judge: Judge;
  readonly #judgeFilesIn: JudgeFilesIn;
  readonly #selection: Selection;
  readonly #format: ListingFormat;
  /** Undefined where a record is more than a path, or must wait. */
  readonly #lines: FileLines | undefined;
  readonly #sort: SortKey | undefined;
  readonly #write: Write;
  readonly #sorted: SortedRecords | undefined;
  readonly #mixed: Mixed | undefined;
  /** The directory that is going by, and what it is sorted by. */
  #whole: Whole | undefined;
  #wholeValue: SortValue = sizeValue(0);

  constructor(
    { judge, judgeFilesIn }: { judge: Judge; judgeFilesIn: JudgeFilesIn },
    selection: Selection,
    options: { format: ListingFormat; sort: SortKey | undefined; collapse: boolean },
    write: Write,
  ) {
    this.#judge = judge;
    this.#judgeFilesIn = judgeFilesIn;
    this.#selection = selection;
    this.#format = options.format;
    const { kind, terminal } = options.format;
    const isPlain = kind !== "json" && !terminal && options.sort === undefined;
    this.#lines = isPlain ? new FileLines(options.format, write) : undefined;
    this.#sort = options.sort;
    this.#sorted = options.sort === undefined ? undefined : new SortedRecords();
    this.#mixed = options.collapse ? new Mixed() : undefined;
    this.#write = write;
  }

  get needsFirstPass(): boolean {
    return this.#mixed !== undefined;
  }

  prepare(change: Change): void {
    this.#mixed?.note(change, this.#judge(change));
  }

  add(change: Change): void {
    if (this.#mixed !== undefined && this.#goesBy(change, this.#mixed)) return;
    const verdict = this.#verdictOn(change);
    if (verdict === undefined) return;
    this.count++;
    const record = listingRecord(change, verdict, this.#format);
    this.#put(record, () => sortValueOf(change, this.#sort!));
  }

  addFiles(files: AddedFiles): boolean {
    const { types, statuses } = this.#selection;
    const selects = types?.has("file") !== false && statuses?.has("A") !== false;
    if (!selects || this.#mixed !== undefined || this.#lines === undefined) return false;
    const verdict = this.#judgeFilesIn(files.directory);
    if (verdict === undefined) return false;
    if (!isListedFate(verdict, this.#selection)) return true;
    const withheld = this.#lines.add(files);
    this.count += files.to - files.from;
    this.withheld += withheld;
    return true;
  }

  /** Takes the records that another Listing of the same kind made. */
  addRecords({ pieces, count, withheld }: Made): void {
    this.#lines?.flush();
    for (const piece of pieces) this.#write(piece);
    this.count += count;
    this.withheld += withheld;
  }

  finish(): void {
    this.#endWhole();
    this.#lines?.flush();
    this.#sorted?.drain(this.#write);
  }

  /** Undefined for what is not selected. */
  #verdictOn(change: Change): Verdict | undefined {
    if (!isListedType(change, this.#selection)) return undefined;
    const verdict = this.#judge(change);
    return isListedFate(verdict, this.#selection) ? verdict : undefined;
  }

  /** Whether the path is a directory that stands for its content, or lies in one. */
  #goesBy(change: Change, mixed: Mixed): boolean {
    if (this.#whole !== undefined && isBelow(change.path, this.#whole)) {
      if (this.#verdictOn(change) === undefined) return true;
      this.#whole.count++;
      this.#whole.bytes.add(weightOf(change));
      return true;
    }
    this.#endWhole();
    if (!mixed.isWhole(change, this.#judge(change))) return false;
    this.#whole = wholeOf(change);
    if (this.#sort === "mtime") this.#wholeValue = sortValueOf(change, "mtime");
    if (this.#verdictOn(change) !== undefined) this.#whole.count++;
    return true;
  }

  /** A directory with nothing in it that is selected stands for nothing. */
  #endWhole(): void {
    const whole = this.#whole;
    this.#whole = undefined;
    if (whole === undefined || whole.count === 0) return;
    this.count++;
    const value = this.#sort === "size" ? sizeValue(whole.bytes.total) : this.#wholeValue;
    this.#put(wholeRecord(whole, this.#format), () => value);
  }

  #put(record: Uint8Array | undefined, value: () => SortValue): void {
    if (record === undefined) this.withheld++;
    else if (this.#sorted === undefined) {
      this.#lines?.flush();
      this.#write(record);
    } else this.#sorted.add(record, value());
  }
}

/** Sums of all that is selected. */
export class Summing implements DiffReport {
  readonly needsFirstPass = false;
  readonly withheld = 0;
  readonly #judge: Judge;
  readonly #selection: Selection;
  readonly #sums: Stat | LossTree;

  constructor(judge: Judge, selection: Selection, sums: Stat | LossTree) {
    this.#judge = judge;
    this.#selection = selection;
    this.#sums = sums;
  }

  get count(): number {
    return this.#sums.count;
  }

  prepare(): void {}

  addFiles(): boolean {
    return false;
  }

  add(change: Change): void {
    if (!isListedType(change, this.#selection)) return;
    const verdict = this.#judge(change);
    if (!isListedFate(verdict, this.#selection)) return;
    if (this.#sums instanceof Stat) this.#sums.add(change, verdict);
    else this.#sums.add(change.path, weightOf(change));
  }

  finish(): void {}
}
