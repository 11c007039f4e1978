/**
 * Random changes to a tree, the same ones for the same seed.
 *
 * Names come from a small pool, so that operations meet: replaced by another
 * type, renamed onto, linked, put back as they were.
 */
import * as fs from "node:fs";
import { dirname } from "node:path";
import { EMPTY_SUBVOL_DIR_OBJECTID } from "../../lib/btrfs/format.ts";
import { asUtf8 } from "../../lib/text.ts";
import { sh } from "./disk.ts";
import { Random } from "./random.ts";

const NAMES = ["a", "a.b", "a-b", "a0", "b", "c", "d", "e\n", "f'\"\\", "\xff\xfe", "é", " "];

export class Operations {
  readonly #top: string;
  readonly #random: Random;

  constructor(top: string, seed: number) {
    this.#top = top;
    this.#random = new Random(seed);
  }

  run(count: number): void {
    for (let done = 0; done < count; ) if (this.#one()) done++;
  }

  /** One operation; false where the kernel would not have it (a missing file, a directory in the way). */
  #one(): boolean {
    try {
      this.#pick<() => void>([
        () => this.#write(),
        () => this.#write(),
        () => fs.appendFileSync(this.#file(), "more"),
        () => fs.truncateSync(this.#file(), this.#random.below(20_000)),
        () => this.#overwrite(),
        () => fs.copyFileSync(this.#file(), this.#file(), fs.constants.COPYFILE_FICLONE_FORCE),
        () => fs.linkSync(this.#path(), this.#path()),
        () => fs.symlinkSync(this.#pick(NAMES), this.#path()),
        () => fs.mkdirSync(this.#path()),
        () => fs.mkdirSync(this.#path()),
        () => fs.renameSync(this.#path(), this.#path()),
        () => fs.renameSync(this.#path(), this.#path()),
        () => fs.unlinkSync(this.#path()),
        () => fs.chmodSync(this.#path(), this.#pick([0o600, 0o644, 0o755])),
        () => fs.lchownSync(this.#path(), this.#random.below(3), this.#random.below(3)),
        () => fs.lutimesSync(this.#path(), this.#random.below(3), this.#random.below(3)),
        // rmdir(2) takes an empty subvolume for a directory.
        () => this.#rarely(() => fs.rmSync(this.#path(), { recursive: true })),
        () => this.#rarely(() => sh(["mkfifo", this.#free()])),
        () => this.#rarely(() => sh(["btrfs", "--quiet", "subvolume", "create", this.#free()])),
      ])();
      return true;
    } catch (fault) {
      if (typeof Object(fault).code === "string") return false;
      throw fault;
    }
  }

  /** One of few contents, so that different operations come to the same bytes. */
  #write(): void {
    const size = this.#pick([0, 5, 3000, 12_000, 150_000]);
    fs.writeFileSync(this.#file(), Buffer.alloc(size, this.#pick(["x", "y", "\0"])));
  }

  #overwrite(): void {
    const fd = fs.openSync(this.#file(), "r+");
    fs.writeSync(fd, "here", this.#random.below(100_000));
    fs.closeSync(fd);
  }

  #rarely(action: () => void): void {
    if (this.#random.below(8) === 0) action();
  }

  /** A path that can be opened without waiting for the other end of a fifo. */
  #file(): Buffer {
    const path = this.#path();
    if (fs.statSync(path, { throwIfNoEntry: false })?.isFIFO()) refuse();
    return path;
  }

  /** A path that a program can be told to create. */
  #free(): string {
    const path = asUtf8(this.#path()) ?? refuse();
    if (fs.lstatSync(path, { throwIfNoEntry: false }) !== undefined) refuse();
    if (!fs.statSync(dirname(path)).isDirectory()) refuse();
    // The stub of a nested subvolume takes no entries.
    if (fs.statSync(dirname(path)).ino === EMPTY_SUBVOL_DIR_OBJECTID) refuse();
    return path;
  }

  #path(): Buffer {
    const names = Array.from({ length: 1 + this.#random.below(3) }, () => this.#pick(NAMES));
    return Buffer.concat([
      Buffer.from(this.#top),
      ...names.map((name) => Buffer.from(`/${name}`, "latin1")),
    ]);
  }

  #pick<Item>(items: readonly Item[]): Item {
    return items[this.#random.below(items.length)]!;
  }
}

/** As the kernel does: an error with a code. */
function refuse(): never {
  throw Object.assign(new Error("not possible here"), { code: "EINVAL" });
}
