/**
 * Copies by a plan: each file without a name first, then all of a batch brought to
 * the disk, then each in its place. A kill or a loss of power at any moment leaves
 * whole files under whole names, and a second run finishes.
 *
 * What can't be copied for reasons of its own is left out, and so is what needs it;
 * all else that fails ends the run.
 */

import { constants } from "node:fs";
import { dirname } from "node:path/posix";
import { Failure, Fault, Interruption } from "../../fault.ts";
import { type InodeStatus, isSameInode } from "../../inode-status.ts";
import { latin1 } from "../../latin1.ts";
import type { CopyAction, CopyPlan, Skipped } from "../../plans/copy.ts";
import { visible } from "../../text.ts";
import { type Handle, linkTextOf, lookAt, openBeneath, reopen, statusOf } from "../at.ts";
import { throwIfInterrupted } from "../interruption.ts";
import { attributesOf } from "../xattr.ts";
import { copyFile } from "./file.ts";
import { LeftOut } from "./left-out.ts";
import { copyFlags, copyOwnerAndMode, copyTimes } from "./metadata.ts";
import { openOriginal } from "./original.ts";
import { link, make, moveInto, syncAll } from "./place.ts";
import { clearStage, onStage, type Spot } from "./stage.ts";

const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOATIME;
/** Files that wait for one sync, each a descriptor: a process may commonly have 1024. */
const BATCH_FILES = 200;
/** Signals are heard between so many actions. */
const ACTIONS_BETWEEN_PAUSES = 64;

export interface CopySides {
  readonly root: number;
  readonly persist: number;
}

/** Who is told what a run does. */
export interface CopyListener {
  /** Its name is in place. */
  onDone(action: CopyAction): void;
  /** It has no copy, or no new one. */
  onLeftOut(path: Skipped): void;
  /** So many bytes of a file that can't be shared were copied. */
  onBytes(count: number): void;
}

/** @throws Failure saying how much was done, Interruption */
export async function applyCopy(
  plan: CopyPlan,
  sides: CopySides,
  listener: CopyListener,
): Promise<void> {
  let done = 0;
  using copier = new Copier(sides, {
    onDone(action) {
      done++;
      listener.onDone(action);
    },
    onLeftOut: (path) => listener.onLeftOut(path),
    onBytes: (count) => listener.onBytes(count),
  });
  try {
    for (const [index, action] of plan.actions.entries()) {
      if (index % ACTIONS_BETWEEN_PAUSES === 0) await pause();
      await copier.run(action);
    }
    copier.finish();
  } catch (error) {
    if (error instanceof Interruption) throw error;
    throw halfway(error, done, plan.actions.length);
  }
}

/** A file that waits for the batch to be on the disk; a link waits for its file. */
interface Waiting {
  readonly action: CopyAction;
  /** The nameless copy; undefined for a further name of a file of the set. */
  readonly copy: Handle | undefined;
}

class Copier implements Disposable {
  readonly #sides: CopySides;
  readonly #listener: CopyListener;
  readonly #waiting: Waiting[] = [];
  readonly #directories: Array<{ path: Uint8Array; status: InodeStatus; copy: InodeStatus }> = [];
  /** What has no copy, as latin1. */
  readonly #leftOut = new Set<string>();

  constructor(sides: CopySides, listener: CopyListener) {
    this.#sides = sides;
    this.#listener = listener;
  }

  async run(action: CopyAction): Promise<void> {
    if (this.#isLeftOut(parentOf(action.path))) {
      this.#leaveOut(action, "its directory was left out");
      return;
    }
    try {
      await this.#begin(action);
    } catch (error) {
      this.#leaveOutFor(error, action);
    }
  }

  /** Directories get their times last: what is put into them changes these. */
  finish(): void {
    this.#placeAll();
    for (const { path, status, copy } of this.#directories.reverse()) {
      using directory = this.#lookAtCopy(path, copy);
      copyTimes(directory, status, path);
    }
    syncAll(this.#sides.persist);
  }

  [Symbol.dispose](): void {
    for (const { copy } of this.#waiting.splice(0)) copy?.[Symbol.dispose]();
  }

  async #begin(action: CopyAction): Promise<void> {
    if (action.kind === "remove-leftover") this.#clear(action);
    else if (action.kind === "copy-file")
      this.#wait({ action, copy: await this.#copyFile(action) });
    else if (action.kind === "link") this.#wait({ action, copy: undefined });
    else if (action.kind === "set-metadata" || action.kind === "set-times") this.#set(action);
    else this.#makeInPlace(action);
  }

  /** @throws what ends the run */
  #leaveOutFor(error: unknown, action: CopyAction): void {
    if (!(error instanceof LeftOut)) throw error;
    this.#leaveOut(action, error.reason);
  }

  #leaveOut({ path }: CopyAction, reason: string): void {
    this.#leftOut.add(latin1(path));
    this.#listener.onLeftOut({ path, reason });
  }

  #isLeftOut(path: Uint8Array | undefined): boolean {
    return path !== undefined && this.#leftOut.has(latin1(path));
  }

  #wait(waiting: Waiting): void {
    this.#waiting.push(waiting);
    if (this.#waiting.length >= BATCH_FILES) this.#placeAll();
  }

  #placeAll(): void {
    if (this.#waiting.length === 0) return;
    syncAll(this.#sides.persist);
    for (const { action, copy } of this.#waiting) {
      try {
        this.#place(action, copy);
        this.#listener.onDone(action);
      } catch (error) {
        this.#leaveOutFor(error, action);
      }
    }
    this[Symbol.dispose]();
  }

  #place(action: CopyAction, copy: Handle | undefined): void {
    if (this.#isLeftOut(action.linkTo)) throw new LeftOut("its other name was left out");
    using directory = this.#openParent(action.path);
    const spot = spotOf(directory, action.path);
    using other = action.linkTo === undefined ? undefined : this.#lookAtCopy(action.linkTo);
    const inode = copy ?? other!;
    if (action.replaces === undefined) {
      link(inode, spot);
    } else {
      onStage(spot, (staged) => {
        link(inode, staged);
        moveInto(spot, staged, action.replaces);
      });
    }
  }

  async #copyFile(action: CopyAction): Promise<Handle> {
    using directory = this.#openParent(action.path);
    return await copyFile(this.#sides.root, directory, action, async (count) => {
      this.#listener.onBytes(count);
      await pause();
    });
  }

  #makeInPlace(action: CopyAction): void {
    const { path, replaces } = action;
    using original = openOriginal(this.#sides.root, path, action.status);
    const { handle, status } = original;
    const linkText = status.type === "symlink" ? linkTextOf(handle) : undefined;
    using directory = this.#openParent(path);
    const spot = spotOf(directory, path);
    onStage(spot, (staged) => {
      using copy = make(staged, status, linkText);
      if (status.type === "directory") copyDirectoryFlags(handle, copy, path);
      copyOwnerAndMode(copy, status, attributesOf(handle), path);
      copyTimes(copy, status, path);
      moveInto(spot, staged, replaces);
      if (status.type === "directory") {
        this.#directories.push({ path, status, copy: statusOf(copy.fd) });
      }
    });
    this.#listener.onDone(action);
  }

  /** The metadata of a directory that is there; its times wait for its content. */
  #set(action: CopyAction): void {
    const { kind, path, replaces } = action;
    using original = openOriginal(this.#sides.root, path, action.status);
    const { handle, status } = original;
    using copy = this.#lookAtCopy(path, replaces);
    if (kind === "set-metadata") copyOwnerAndMode(copy, status, attributesOf(handle), path);
    this.#directories.push({ path, status, copy: statusOf(copy.fd) });
    this.#listener.onDone(action);
  }

  #clear(action: CopyAction): void {
    using directory = this.#openParent(action.path);
    clearStage(directory.fd, action.path);
    this.#listener.onDone(action);
  }

  /** @param seen what must still be there */
  #lookAtCopy(path: Uint8Array, seen?: InodeStatus): Handle {
    const handle = lookAt(this.#sides.persist, path);
    if (handle === undefined) {
      throw new Failure(
        `Cannot find the copy of ${visible(path)}: it is gone, or a symbolic link leads to it`,
      );
    }
    if (seen === undefined || isSameInode(seen, statusOf(handle.fd))) return handle;
    handle[Symbol.dispose]();
    throw new Failure(`Cannot change the copy of ${visible(path)}: something else took its place`);
  }

  #openParent(path: Uint8Array): Handle {
    return openBeneath(this.#sides.persist, parentOf(path), DIRECTORY);
  }
}

function parentOf(path: Uint8Array): Uint8Array {
  return Buffer.from(dirname(latin1(path)), "latin1");
}

function spotOf(directory: Handle, path: Uint8Array): Spot {
  return { directory: directory.fd, name: path.subarray(path.lastIndexOf(0x2f) + 1), path };
}

function copyDirectoryFlags(original: Handle, copy: Handle, path: Uint8Array): void {
  using from = reopen(original, DIRECTORY, path);
  using to = reopen(copy, DIRECTORY, path);
  copyFlags(from, to, path);
}

/** Lets signals be heard. */
async function pause(): Promise<void> {
  await Bun.sleep(0);
  throwIfInterrupted();
}

function halfway(error: unknown, done: number, all: number): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  const cure = error instanceof Fault && error.hint !== undefined ? `${error.hint}. ` : "";
  return new Failure(`Cannot finish the copy, ${done} of ${all} paths are done: ${reason}`, {
    cause: error,
    hint: `${cure}What is there is whole; another run does the rest`,
  });
}
