/**
 * Where copies are made before they have their names: whole trees, on one stage for
 * each directory of the persist root that gets something new.
 *
 * A new directory is made on the stage with all that is in it, and comes to its place
 * by one rename. Until then it is plain and ours, so that it hands nothing down to
 * what is made in it; what the original's owner, mode and ACL are, it gets at the end.
 */
import { STAGE_NAME } from "../../copy/leftover.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { latin1, latin1Part } from "../../latin1.ts";
import type { CopyAction, Skipped } from "../../plans/copy.ts";
import { visible } from "../../text.ts";
import { type Handle, lookAt, openBeneath, READ_DIRECTORY } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import { checked, cString, libc, ptr } from "../libc.ts";
import { type Attributes, attributesOf } from "../xattr.ts";
import { flagsToCopy, giveFlags } from "./flags.ts";
import { reasonToLeaveOut } from "./left-out.ts";
import { copyTimes, giveAttributes, giveOwnerAndMode } from "./metadata.ts";
import { moveInto, removeUnfinished, replace } from "./place.ts";
import { type Spot, Stage, type StageTraits } from "./stage.ts";

/** What is told to the disk at once: a sync takes as long for one file as for thousands. */
const WAITING_MAX = 65_536;
const BYTES_MAX = 1024 ** 3;
const AT_REMOVEDIR = 0x200;
/** Of a directory until it is finished. */
const NEW_MODE = 0o700;
/** Each holds descriptors, of which a process may commonly have 1024. */
const STAGES_MAX = 100;

/** A directory that was made, and what it is still to be given. */
export interface NewDirectory {
  readonly path: Uint8Array;
  readonly status: InodeStatus;
  readonly attributes: Attributes;
  readonly flags: number;
}

/** A directory of the persist root, and what must still be there when its times are set. */
export interface PlacedDirectory {
  readonly path: Uint8Array;
  readonly status: InodeStatus;
  readonly copy: InodeStatus;
}

/** Where something is made: a directory on a stage. */
interface Place {
  /** The path of the directory that it stands for, as latin1. */
  readonly parent: string;
  readonly directory: number;
  readonly stage: Stage;
  /** In a new directory, which is placed as a whole. */
  readonly isInNew: boolean;
  close(): void;
}

export class Staging implements Disposable {
  readonly #persist: number;
  /** By the path of the directory that they stand in, as latin1. */
  readonly #stages = new Map<string, Stage>();
  /** What a stage has under its own name, by path as latin1. */
  readonly #tops = new Map<string, Stage>();
  readonly #directories: NewDirectory[] = [];
  /** The last directory that was begun on a stage: what follows may lie in it. */
  #lastTop = "";
  #place: Place | undefined;
  #waiting = 0;
  #bytes = 0;

  constructor(persist: number) {
    this.#persist = persist;
  }

  get isFull(): boolean {
    return (
      this.#waiting >= WAITING_MAX || this.#bytes >= BYTES_MAX || this.#stages.size >= STAGES_MAX
    );
  }

  /** Where the copy of a path is to be made. Paths come with all of a directory in one run. */
  spotFor(path: Uint8Array): { spot: Spot; stage: StageTraits } {
    const slash = path.lastIndexOf(0x2f);
    const parent = latin1Part(path, 0, slash);
    const place = this.#placeIn(parent, path);
    const spot = { directory: place.directory, name: path.subarray(slash + 1), path };
    return { spot, stage: place.stage };
  }

  /** Notes what was made at its spot. */
  add({ path, kind }: CopyAction): void {
    this.#waiting++;
    if (this.#place === undefined || this.#place.isInNew) return;
    const key = latin1(path);
    this.#tops.set(key, this.#place.stage);
    if (kind === "make-directory") this.#lastTop = key;
  }

  addDirectory(directory: NewDirectory): void {
    this.#directories.push(directory);
  }

  addBytes(count: number): void {
    this.#bytes += count;
  }

  /** The copy of a path, on a stage or in its place. */
  lookAtCopy(path: Uint8Array): Handle | undefined {
    const found = this.#onStage(latin1(path));
    return found === undefined
      ? lookAt(this.#persist, path)
      : lookAt(found.stage.top.fd, found.rest);
  }

  /**
   * Gives new directories what they are to have.
   *
   * @param next the path that will be made next; undefined at the end
   * @returns those that are to hold that one, and will get their times again
   */
  finishDirectories(next: Uint8Array | undefined): PlacedDirectory[] {
    this.#leave();
    const unfinished: PlacedDirectory[] = [];
    const nextPath = next === undefined ? "" : latin1(next);
    for (const { path, status, attributes, flags } of this.#directories.splice(0).reverse()) {
      const { stage, rest } = this.#onStage(latin1(path))!;
      using directory = openBeneath(stage.top.fd, rest, READ_DIRECTORY);
      stage.directoryFlags.give(directory.fd, flags, path);
      const given = { attributes, isLabelled: stage.isLabelled, mode: NEW_MODE };
      giveOwnerAndMode(directory, status, given, path);
      copyTimes(directory.fd, status, path);
      if (!nextPath.startsWith(`${latin1(path)}/`)) continue;
      unfinished.unshift({ path, status, copy: statusOf(directory.fd) });
    }
    return unfinished;
  }

  /** Moves what was made to its place, where it stands on a stage by itself. @throws LeftOut */
  place({ path, replaces }: CopyAction): void {
    const stage = this.#tops.get(latin1(path));
    if (stage === undefined) return;
    const name = path.subarray(path.lastIndexOf(0x2f) + 1);
    const spot = { directory: stage.parent.fd, name, path };
    const staged = { ...spot, directory: stage.top.fd };
    if (replaces === undefined) moveInto(spot, staged);
    else replace(spot, staged, stage.replacing(path), replaces);
  }

  /** Ends all stages, whose content is in place. @returns those that stay, and why */
  clear(): Skipped[] {
    this.#leave();
    this.#tops.clear();
    this.#waiting = 0;
    this.#bytes = 0;
    this.#lastTop = "";
    const uncleared: Skipped[] = [];
    for (const [parent, stage] of this.#stages) {
      this.#stages.delete(parent);
      try {
        stage.clear();
      } catch (error) {
        const reason = reasonToLeaveOut(error);
        if (reason === undefined) throw error;
        uncleared.push({ path: Buffer.from(`${parent}/${STAGE_NAME}`, "latin1"), reason });
      }
    }
    return uncleared;
  }

  [Symbol.dispose](): void {
    this.#leave();
    for (const stage of this.#stages.values()) stage[Symbol.dispose]();
    this.#stages.clear();
  }

  #placeIn(parent: string, path: Uint8Array): Place {
    if (this.#place?.parent === parent) return this.#place;
    this.#leave();
    this.#place = this.#isInLastTop(parent) ? this.#inNew(parent) : this.#onStageOf(parent, path);
    return this.#place;
  }

  #isInLastTop(parent: string): boolean {
    const top = this.#lastTop;
    return top !== "" && (parent === top || parent.startsWith(`${top}/`));
  }

  #inNew(parent: string): Place {
    const { stage, rest } = this.#onStage(parent)!;
    const directory = openBeneath(stage.top.fd, rest, READ_DIRECTORY);
    return {
      parent,
      directory: directory.fd,
      stage,
      isInNew: true,
      close: () => directory[Symbol.dispose](),
    };
  }

  #onStageOf(parent: string, path: Uint8Array): Place {
    let stage = this.#stages.get(parent);
    if (stage === undefined) {
      const directory = openBeneath(this.#persist, Buffer.from(parent, "latin1"), READ_DIRECTORY);
      stage = Stage.in(directory, path);
      this.#stages.set(parent, stage);
    }
    return {
      parent,
      directory: stage.top.fd,
      stage,
      isInNew: false,
      close: () => undefined,
    };
  }

  #leave(): void {
    this.#place?.close();
    this.#place = undefined;
  }

  /** The stage that has a path, and the path on it. */
  #onStage(path: string): { stage: Stage; rest: Uint8Array } | undefined {
    for (let end = path.length; end > 0; end = path.lastIndexOf("/", end - 1)) {
      const stage = this.#tops.get(path.slice(0, end));
      if (stage === undefined) continue;
      const start = path.lastIndexOf("/", end - 1);
      return { stage, rest: Buffer.from(path.slice(start), "latin1") };
    }
    return undefined;
  }
}

/**
 * Makes a plain directory, which gets all else from finishDirectories(). Attributes and
 * flags that it can't have are told now, while nothing is in it.
 *
 * @param flags see flagsToCopy
 */
export function makeDirectory(spot: Spot, attributes: Attributes, flags: number): void {
  const text = cString(spot.name);
  const made = libc().mkdirat(spot.directory, ptr(text), NEW_MODE);
  checked(made, () => `Cannot make the directory ${visible(spot.path)}`);
  if (attributes.size === 0 && flags === 0) return;
  try {
    using directory = openBeneath(spot.directory, spot.name, READ_DIRECTORY);
    const plain = { attributes: attributesOf(directory), flags: flagsToCopy(directory.fd) };
    for (const each of [{ attributes, flags }, plain]) {
      giveFlags(directory.fd, each.flags, spot.path);
      giveAttributes(directory, each.attributes);
    }
  } catch (error) {
    removeUnfinished(spot, AT_REMOVEDIR);
    throw error;
  }
}
