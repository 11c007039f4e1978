/** The one change of a walk through mounted files, aimed at each path that is reported. */

import type { Change, FileType, Inode, Status } from "../../btrfs/change.ts";
import { Vanished } from "../../btrfs/damage.ts";
import type { PathBuffer } from "../../btrfs/path-buffer.ts";
import { linkTextOf, lookAt } from "../at.ts";
import type { Level, WalkSide } from "./side.ts";

export class WalkChange implements Change {
  status: Status = "A";
  type: FileType = "file";
  readonly #path: PathBuffer;
  #side: WalkSide | undefined;
  #level: Level | undefined;
  #taken: Uint8Array | undefined;

  constructor(path: PathBuffer) {
    this.#path = path;
  }

  /** @param level where it is the entry at hand; undefined for the top */
  aim(status: Status, type: FileType, side: WalkSide, level: Level | undefined): void {
    this.status = status;
    this.type = type;
    this.#side = side;
    this.#level = level;
    this.#taken = undefined;
  }

  get path(): Uint8Array {
    this.#taken ??= this.#path.take();
    return this.#taken;
  }

  inode(): Inode {
    const side = this.#side!;
    return this.#level === undefined ? side.topStatus() : side.status(this.#level);
  }

  linkText(): Uint8Array | undefined {
    if (this.type !== "symlink") return undefined;
    const { handle, entries, rank } = this.#level!;
    using link = lookAt(handle!.fd, entries.name(rank));
    if (link === undefined) throw new Vanished("Cannot read a symbolic link: it went away");
    return linkTextOf(link);
  }
}
