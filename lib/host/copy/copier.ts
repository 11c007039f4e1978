/** Carries out the actions of a plan, with a second thread where they are many; see apply.ts. */
import type { Run } from "../../copy/runs.ts";
import { Failure } from "../../fault.ts";
import { type InodeStatus, isSameInode } from "../../inode-status.ts";
import { latin1 } from "../../latin1.ts";
import type { CopyAction, CopyPlan, Skipped } from "../../plans/copy.ts";
import { type Handle, openBeneath, READ_DIRECTORY } from "../at.ts";
import { statusAt, statusOf } from "../inode-status.ts";
import { lentName } from "../libc.ts";
import { attributesOf } from "../xattr.ts";
import { ContentCopier } from "./content.ts";
import { copyFile } from "./file.ts";
import type { CopyHelper, Returned } from "./helper.ts";
import { LastTouches } from "./last-touches.ts";
import { LeftOut, LeftOutPaths, orLeaveOut, reasonToLeaveOut } from "./left-out.ts";
import { copyOwnerAndMode } from "./metadata.ts";
import { openOriginal } from "./original.ts";
import { makeOther } from "./other.ts";
import { Pauses } from "./pauses.ts";
import { link, syncAll } from "./place.ts";
import { PlainFiles } from "./plain-file.ts";
import { SourceDirectories } from "./source-directories.ts";
import { clearStage, type Spot } from "./stage.ts";
import { Staging } from "./staging.ts";
import type { SourceTrees } from "./trees.ts";

const SLASH = 0x2f;

export interface CopySides {
  readonly trees: SourceTrees;
  /** Descriptor of the persist root. */
  readonly persist: number;
  /** Another thread, if there is to be one. */
  readonly helper?: CopyHelper | undefined;
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

export class Copier implements Disposable {
  readonly #sides: CopySides;
  readonly #listener: CopyListener;
  readonly #pauses = new Pauses();
  readonly #content: ContentCopier;
  readonly #plain: PlainFiles;
  readonly #sources: SourceDirectories;
  readonly #staging: Staging;
  readonly #helper: CopyHelper | undefined;
  /** Made or being made, and not in place yet. */
  readonly #waiting: CopyAction[] = [];
  readonly #last = new LastTouches();
  /** Copies of files with several names, by the path that was copied, as latin1. */
  readonly #firsts = new Map<string, InodeStatus>();
  readonly #leftOut: LeftOutPaths;

  constructor(sides: CopySides, listener: CopyListener, plan: CopyPlan) {
    this.#sides = sides;
    this.#listener = listener;
    this.#leftOut = new LeftOutPaths(plan.leftOut, (path) => listener.onLeftOut(path));
    this.#sources = new SourceDirectories(sides.trees);
    this.#staging = new Staging(sides.persist);
    this.#helper = sides.helper;
    this.#helper?.begin(plan.actions.length);
    this.#content = new ContentCopier(async (count) => {
      this.#staging.addBytes(count);
      listener.onBytes(count);
      if (this.#pauses.isDue()) await this.#pauses.pause();
    });
    this.#plain = new PlainFiles(this.#content);
  }

  async run(run: Run): Promise<void> {
    for (const returned of this.#helper?.takeDone() ?? []) await this.#takeBack(returned);
    if (this.#staging.isFull) await this.#placeAll(run[0].path);
    if (run.length > 1 && (await this.#copyAsOne(run))) return;
    for (const action of run) {
      if (this.#pauses.isDue()) await this.#pauses.pause();
      await this.#one(action);
    }
  }

  async finish(): Promise<void> {
    await this.#placeAll(undefined);
    this.#last.carryOut((path, seen) => this.#lookAtCopy(path, seen), this.#leftOut);
    syncAll(this.#sides.persist);
  }

  [Symbol.dispose](): void {
    this.#helper?.[Symbol.dispose]();
    this.#sources[Symbol.dispose]();
    this.#staging[Symbol.dispose]();
  }

  async #one(action: CopyAction): Promise<void> {
    try {
      this.#leftOut.refuseBelow(action.path);
      await this.#begin(action);
    } catch (error) {
      this.#leftOut.addFor(error, action);
    }
  }

  /**
   * Plain files of a frozen tree, from one directory to another: by the other thread, if it
   * has nothing to do, or here.
   *
   * @returns false where these files are none
   */
  async #copyAsOne(run: Run): Promise<boolean> {
    const [{ path }] = run;
    if (this.#leftOut.has(parentOf(path))) return false;
    const batch = this.#batchOf(run);
    if (batch === undefined) return false;
    if (this.#helper?.isFree) {
      this.#helper.give(batch);
      for (const action of run) this.#expect(action);
      return true;
    }
    for (const action of run) {
      if (this.#pauses.isDue()) await this.#pauses.pause();
      const name = action.path.subarray(action.path.lastIndexOf(SLASH) + 1);
      const bytes = this.#plain.copy(batch.source, batch.target, name, batch);
      if (bytes === undefined) {
        await this.#one(action);
        continue;
      }
      this.#staging.addBytes(bytes);
      this.#expect(action);
      this.#listener.onMade(action);
    }
    return true;
  }

  #batchOf(actions: Run) {
    const [{ path }] = actions;
    try {
      const { directory: source, isFrozen } = this.#sources.spotOf(path);
      if (!isFrozen) return undefined;
      const { spot, stage } = this.#staging.spotFor(path);
      const isBare = actions.every(({ status }) => status.isBare === true);
      return { actions, source, target: spot.directory, stage, isBare };
    } catch (error) {
      // It fails again for each of them.
      if (reasonToLeaveOut(error) !== undefined) return undefined;
      throw error;
    }
  }

  /** What the other thread could not do is done here, and fails here. */
  async #takeBack({ batch, undone, bytes, failure }: Returned): Promise<void> {
    using _ = batch;
    if (failure !== undefined) throw new Failure(failure);
    this.#staging.addBytes(bytes);
    const left = new Set(undone);
    for (const action of batch.actions) {
      const { path, status } = action;
      if (this.#pauses.isDue()) await this.#pauses.pause();
      try {
        if (left.has(action)) {
          const name = path.subarray(path.lastIndexOf(SLASH) + 1);
          const source = { directory: batch.source, name, path, isFrozen: true };
          const options = { content: this.#content, stage: batch.stage };
          await copyFile(source, { directory: batch.target, name, path }, status, options);
        }
        this.#listener.onMade(action);
      } catch (error) {
        this.#leftOut.addFor(error, action);
      }
    }
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
      this.#expect(action);
      this.#noteInode(action, spot);
      this.#listener.onMade(action);
    }
  }

  /** It goes to its place with the others, unless it is left out until then. */
  #expect(action: CopyAction): void {
    this.#staging.add(action);
    this.#waiting.push(action);
  }

  /** @param next see finishDirectories */
  async #placeAll(next: Uint8Array | undefined): Promise<void> {
    for (const returned of this.#helper?.takeAll() ?? []) await this.#takeBack(returned);
    if (this.#waiting.length === 0) return;
    for (const one of this.#staging.finishDirectories(next)) this.#last.giveTimes(one);
    syncAll(this.#sides.persist);
    for (const action of this.#waiting.splice(0)) {
      if (this.#leftOut.has(action.path)) continue;
      try {
        this.#leftOut.refuseBelow(action.path);
        if (this.#leftOut.has(action.linkTo)) throw new LeftOut("its other name was left out");
        this.#staging.place(action);
        this.#listener.onDone(action);
      } catch (error) {
        this.#leftOut.addFor(error, action);
      }
    }
    for (const uncleared of this.#staging.clear()) this.#listener.onLeftOut(uncleared);
  }

  #makeOther({ path, status }: CopyAction, spot: Spot): void {
    const directory = makeOther(() => this.#sources.spotOf(path), spot, status);
    if (directory !== undefined) this.#staging.addDirectory(directory);
  }

  /** A further name of what was copied, or was there and equal. */
  #link({ path, linkTo, linkCopy }: CopyAction, spot: Spot): void {
    if (this.#leftOut.has(linkTo)) throw new LeftOut("its other name was left out");
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
    if (isProtected) this.#last.protect({ path, status, copy });
  }

  /** What a copy that is there gets; a directory's times wait for its content. */
  #set(action: CopyAction): void {
    const { kind, path, replaces } = action;
    using original = openOriginal(this.#sources.spotOf(path), action.status);
    const { handle, status } = original;
    using copy = this.#lookAtCopy(path, replaces);
    const now = statusOf(copy.fd);
    if (kind === "set-metadata") {
      const attributes = orLeaveOut(() => attributesOf(handle));
      copyOwnerAndMode(copy, status, attributes, path);
    }
    if (kind !== "set-flags") this.#last.giveTimes({ path, status, copy: now });
    if (status.isImmutable || status.isAppendOnly) this.#last.protect({ path, status, copy: now });
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
  return path.subarray(0, path.lastIndexOf(SLASH));
}
