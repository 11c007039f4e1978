/**
 * Copies by a plan: all of a batch is made on stages first, then brought to the disk,
 * then moved to its places. A kill or a loss of power at any moment leaves whole
 * files under whole names, and a second run finishes.
 *
 * What can't be copied for reasons of its own is left out, and so is what needs it;
 * all else that fails ends the run.
 */

import { dirname } from "node:path/posix";
import { Failure, Fault, Interruption } from "../../fault.ts";
import { type InodeStatus, isSameInode } from "../../inode-status.ts";
import { latin1 } from "../../latin1.ts";
import type { CopyAction, CopyPlan, Skipped } from "../../plans/copy.ts";
import { type Handle, linkTextOf, openBeneath, READ_DIRECTORY, reopen } from "../at.ts";
import { statusAt, statusOf } from "../inode-status.ts";
import { lentName } from "../libc.ts";
import { attributesOf } from "../xattr.ts";
import { ContentCopier } from "./content.ts";
import { copyFile } from "./file.ts";
import { flagsToCopy, protect } from "./flags.ts";
import { LeftOut, reasonToLeaveOut } from "./left-out.ts";
import { copyOwnerAndMode, copyTimes } from "./metadata.ts";
import { openOriginal } from "./original.ts";
import { Pauses } from "./pauses.ts";
import { link, make, removeUnfinished, syncAll } from "./place.ts";
import { SourceDirectories } from "./source-directories.ts";
import { clearStage, type Spot } from "./stage.ts";
import { makeDirectory, type PlacedDirectory, Staging } from "./staging.ts";
import type { SourceTrees } from "./trees.ts";

export interface CopySides {
  readonly trees: SourceTrees;
  /** Descriptor of the persist root. */
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
  /** A copy was made, and waits for its name. */
  onMade(action: CopyAction): void;
}

/** @throws Failure saying how much was done, Interruption */
export async function applyCopy(
  plan: CopyPlan,
  sides: CopySides,
  listener: CopyListener,
): Promise<void> {
  let done = 0;
  // Files are made with the very mode that they are to have, where nobody else can reach them.
  const umask = process.umask(0);
  using copier = new Copier(sides, {
    ...listener,
    onDone(action) {
      done++;
      listener.onDone(action);
    },
  });
  try {
    for (const action of plan.actions) await copier.run(action);
    copier.finish();
  } catch (error) {
    if (error instanceof Interruption) throw error;
    throw halfway(error, done, plan.actions.length);
  } finally {
    process.umask(umask);
  }
}

class Copier implements Disposable {
  readonly #sides: CopySides;
  readonly #listener: CopyListener;
  readonly #pauses = new Pauses();
  readonly #content: ContentCopier;
  readonly #sources: SourceDirectories;
  readonly #staging: Staging;
  /** Made, and not in place yet. */
  readonly #waiting: CopyAction[] = [];
  /** Directories that get their times at the end, for something was put into them. */
  readonly #late: PlacedDirectory[] = [];
  /** What is immutable or append-only once all else is done. */
  readonly #protected: PlacedDirectory[] = [];
  /** Copies of files with several names, by the path that was copied, as latin1. */
  readonly #firsts = new Map<string, InodeStatus>();
  /** What has no copy, as latin1. */
  readonly #leftOut = new Set<string>();

  constructor(sides: CopySides, listener: CopyListener) {
    this.#sides = sides;
    this.#listener = listener;
    this.#sources = new SourceDirectories(sides.trees);
    this.#staging = new Staging(sides.persist);
    this.#content = new ContentCopier(async (count) => {
      this.#staging.addBytes(count);
      listener.onBytes(count);
      if (this.#pauses.isDue()) await this.#pauses.pause();
    });
  }

  async run(action: CopyAction): Promise<void> {
    if (this.#pauses.isDue()) await this.#pauses.pause();
    if (this.#staging.isFull) this.#placeAll(action.path);
    try {
      this.#refuseBelowLeftOut(action.path);
      await this.#begin(action);
    } catch (error) {
      this.#leaveOutFor(error, action);
    }
  }

  /** Directories get their times last: what is put into them changes these. */
  finish(): void {
    this.#placeAll(undefined);
    this.#finishEach(this.#late.reverse(), ({ path, status }, directory) =>
      copyTimes(directory.fd, status, path),
    );
    this.#finishEach(this.#protected, ({ path, status }, inode) => protect(inode, status, path));
    syncAll(this.#sides.persist);
  }

  [Symbol.dispose](): void {
    this.#sources[Symbol.dispose]();
    this.#staging[Symbol.dispose]();
  }

  async #begin(action: CopyAction): Promise<void> {
    const { kind, path } = action;
    if (kind === "remove-leftover") this.#clear(action);
    else if (kind.startsWith("set-")) this.#set(action);
    else {
      const { spot, stage } = this.#staging.spotFor(path);
      if (kind === "link") this.#link(action, spot);
      else if (kind === "copy-file") {
        const options = { content: this.#content, stage };
        await copyFile(this.#sources.spotOf(path), spot, action.status, options);
      } else this.#makeOther(action, spot);
      this.#staging.add(action);
      this.#waiting.push(action);
      this.#noteInode(action, spot);
      this.#listener.onMade(action);
    }
  }

  #finishEach(
    placed: readonly PlacedDirectory[],
    finish: (one: PlacedDirectory, copy: Handle) => void,
  ): void {
    for (const one of placed) {
      if (this.#isLeftOut(one.path)) continue;
      try {
        using copy = this.#lookAtCopy(one.path, one.copy);
        finish(one, copy);
      } catch (error) {
        this.#leaveOutFor(error, one);
      }
    }
  }

  /** @throws what ends the run */
  #leaveOutFor(error: unknown, { path }: Pick<CopyAction, "path">): void {
    const reason = reasonToLeaveOut(error);
    if (reason === undefined) throw error;
    this.#leftOut.add(latin1(path));
    this.#listener.onLeftOut({ path, reason });
  }

  #refuseBelowLeftOut(path: Uint8Array): void {
    if (this.#leftOut.size === 0 || !this.#isLeftOut(parentOf(path))) return;
    throw new LeftOut("its directory was left out");
  }

  #isLeftOut(path: Uint8Array | undefined): boolean {
    return path !== undefined && this.#leftOut.size > 0 && this.#leftOut.has(latin1(path));
  }

  /** @param next see finishDirectories */
  #placeAll(next: Uint8Array | undefined): void {
    if (this.#waiting.length === 0) return;
    this.#late.push(...this.#staging.finishDirectories(next));
    syncAll(this.#sides.persist);
    for (const action of this.#waiting.splice(0)) {
      try {
        this.#refuseBelowLeftOut(action.path);
        if (this.#isLeftOut(action.linkTo)) throw new LeftOut("its other name was left out");
        this.#staging.place(action);
        this.#listener.onDone(action);
      } catch (error) {
        this.#leaveOutFor(error, action);
      }
    }
    for (const uncleared of this.#staging.clear()) this.#listener.onLeftOut(uncleared);
  }

  #makeOther({ path, status: seen }: CopyAction, spot: Spot): void {
    using original = openOriginal(this.#sources.spotOf(path), seen);
    const { handle, status } = original;
    const attributes = attributesOf(handle);
    if (status.type === "directory") {
      using directory = reopen(handle, READ_DIRECTORY, path);
      makeDirectory(spot, attributes);
      this.#staging.addDirectory({ path, status, attributes, flags: flagsToCopy(directory.fd) });
      return;
    }
    const linkText = status.type === "symlink" ? linkTextOf(handle) : undefined;
    using copy = make(spot, status, linkText);
    try {
      copyOwnerAndMode(copy, status, attributes, path);
      copyTimes(copy.fd, status, path);
    } catch (error) {
      removeUnfinished(spot);
      throw error;
    }
  }

  /** A further name of what was copied, or was there and equal. */
  #link({ path, linkTo, linkCopy }: CopyAction, spot: Spot): void {
    if (this.#isLeftOut(linkTo)) throw new LeftOut("its other name was left out");
    const first = this.#firsts.get(latin1(linkTo!)) ?? linkCopy;
    using inode = this.#lookAtCopy(linkTo!, first);
    link(inode, { ...spot, path });
  }

  /** What will be looked for again by its path must then be the same inode. */
  #noteInode({ path, kind, status }: CopyAction, { directory, name }: Spot): void {
    const isFirst = status.links > 1 && kind !== "make-directory" && kind !== "link";
    const isProtected = status.isImmutable || status.isAppendOnly;
    if (!isFirst && !isProtected) return;
    const copy = statusAt(directory, lentName(name))!;
    if (isFirst) this.#firsts.set(latin1(path), copy);
    if (isProtected) this.#protected.push({ path, status, copy });
  }

  /** What a copy that is there gets; a directory's times wait for its content. */
  #set(action: CopyAction): void {
    const { kind, path, replaces } = action;
    using original = openOriginal(this.#sources.spotOf(path), action.status);
    const { handle, status } = original;
    using copy = this.#lookAtCopy(path, replaces);
    const now = statusOf(copy.fd);
    if (kind === "set-metadata") copyOwnerAndMode(copy, status, attributesOf(handle), path);
    if (kind !== "set-flags") this.#late.push({ path, status, copy: now });
    if (status.isImmutable || status.isAppendOnly) {
      this.#protected.push({ path, status, copy: now });
    }
    this.#listener.onDone(action);
  }

  #clear(action: CopyAction): void {
    using directory = openBeneath(this.#sides.persist, parentOf(action.path), READ_DIRECTORY);
    clearStage(directory.fd, action.path);
    this.#listener.onDone(action);
  }

  /** @param seen what must still be there */
  #lookAtCopy(path: Uint8Array, seen: InodeStatus | undefined): Handle {
    const handle = this.#staging.lookAtCopy(path);
    if (handle === undefined) {
      throw new LeftOut("its copy is gone, or a symbolic link leads to it");
    }
    if (seen === undefined || isSameInode(seen, statusOf(handle.fd))) return handle;
    handle[Symbol.dispose]();
    throw new LeftOut("something else took its place since it was copied");
  }
}

function parentOf(path: Uint8Array): Uint8Array {
  return Buffer.from(dirname(latin1(path)), "latin1");
}

function halfway(error: unknown, done: number, all: number): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  const cure = error instanceof Fault && error.hint !== undefined ? `${error.hint}. ` : "";
  return new Failure(`Cannot finish the copy, ${done} of ${all} paths are done: ${reason}`, {
    cause: error,
    hint: `${cure}What is there is whole; another run does the rest once this is mended`,
  });
}
