/**
 * A directory beside the places of copies, for what is not finished.
 *
 * In a directory that belongs to a user, whatever has a name can be swapped before
 * it is given its owner and mode, and these would go to what the user put there.
 * The stage is closed to all but us, and is checked to be so once it is open. What
 * is made on it stands in a second directory of a fixed name, which no user can have
 * put there: only what is in that is ever removed with a stage.
 */
import { constants } from "node:fs";
import { STAGE_NAME } from "../../copy/leftover.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { visible } from "../../text.ts";
import { Handle, lookAt, namesIn, openBeneath, reopen, tryToOpen } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "../libc.ts";
import { attributesOf, setAttributes } from "../xattr.ts";
import { clearFlags, NewFileFlags } from "./flags.ts";
import { LeftOut } from "./left-out.ts";

const AT_EMPTY_PATH = 0x1000;
const AT_REMOVEDIR = 0x200;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const NAME = Buffer.from(STAGE_NAME);
const STAGED_NAME = Buffer.from(".blankroot-staged");

/** A name in an open directory. */
export interface Spot {
  readonly directory: number;
  readonly name: Uint8Array;
  /** The whole path, for errors. */
  readonly path: Uint8Array;
}

/** What all that is made on a stage has in common. */
export interface StageTraits {
  /** Whether the system gives attributes of its own to all that is made, such as a label. */
  readonly isLabelled: boolean;
  readonly flags: NewFileFlags;
}

export class Stage implements Disposable, StageTraits {
  /** The directory it stands in. */
  readonly parent: Handle;
  /** Where things are made, under the names that they are to have. */
  readonly top: Handle;
  readonly isLabelled: boolean;
  readonly flags = new NewFileFlags();
  readonly #path: Uint8Array;
  #isThere = true;

  private constructor(parent: Handle, top: Handle, path: Uint8Array) {
    this.parent = parent;
    this.top = top;
    this.isLabelled = attributesOf(top).size > 0;
    this.#path = path;
  }

  /**
   * Makes one.
   *
   * @param parent is closed with it
   * @param path of what is to be made first, for errors
   */
  static in(parent: Handle, path: Uint8Array): Stage {
    using made = new DisposableStack();
    made.use(parent);
    makeDirectory(parent.fd, NAME, () => `Cannot make ${STAGE_NAME} beside ${visible(path)}`);
    // What can't be removed now is found and removed by the next run.
    made.defer(() => void removeStage(parent.fd));
    using stage = openBeneath(parent.fd, NAME, DIRECTORY);
    if (!isClosedToOthers(statusOf(stage.fd))) {
      throw new LeftOut("something was put in its way");
    }
    takeNothingOver(stage, path);
    makeDirectory(stage.fd, STAGED_NAME, () => `Cannot make ${STAGE_NAME} beside ${visible(path)}`);
    const top = openBeneath(stage.fd, STAGED_NAME, DIRECTORY);
    made.move();
    return new Stage(parent, top, path);
  }

  /** Ends it once it is empty. */
  clear(): void {
    if (!this.#isThere) return;
    this.#isThere = false;
    using _ = this.parent;
    this.top[Symbol.dispose]();
    clearStage(this.parent.fd, this.#path);
  }

  /** Ends it with all that is still on it. */
  [Symbol.dispose](): void {
    if (!this.#isThere) return;
    this.#isThere = false;
    using _ = this.parent;
    this.top[Symbol.dispose]();
    removeStage(this.parent.fd);
  }
}

/** Removes a stage with all that is on it. @param path for errors */
export function clearStage(directory: number, path: Uint8Array): void {
  if (removeStage(directory)) return;
  const code = errno();
  throw new CallFailure(`Cannot remove ${STAGE_NAME} beside ${visible(path)}`, code);
}

/** What is in the way under the stage's name and is none is left alone. */
export function isStage(found: Handle, path: Uint8Array): boolean {
  const status = statusOf(found.fd);
  if (status.type !== "directory" || !isClosedToOthers(status)) return false;
  using stage = reopen(found, constants.O_RDONLY | constants.O_DIRECTORY, path);
  return namesIn(stage, path).every((name) => STAGED_NAME.equals(name));
}

/** What a directory hands down to what is made in it would have to be taken from each copy again. */
function takeNothingOver(stage: Handle, path: Uint8Array): void {
  const empty = cString("");
  const [uid, gid] = [process.geteuid!(), process.getegid!()];
  const owned = libc().fchownat(stage.fd, ptr(empty), uid, gid, AT_EMPTY_PATH);
  checked(owned, () => `Cannot set the owner of ${STAGE_NAME} beside ${visible(path)}`);
  if (attributesOf(stage).size > 0) setAttributes(stage, new Map());
  const closed = libc().fchmod(stage.fd, 0o700);
  checked(closed, () => `Cannot set the mode of ${STAGE_NAME} beside ${visible(path)}`);
  clearFlags(stage, path);
}

function makeDirectory(directory: number, name: Uint8Array, action: () => string): void {
  const text = cString(name);
  checked(libc().mkdirat(directory, ptr(text), 0o700), action);
}

function removeStage(directory: number): boolean {
  {
    using stage = openDirectory(directory, NAME);
    if (stage === undefined) return lookAt(directory, NAME) === undefined;
    using staged = openDirectory(stage.fd, STAGED_NAME);
    if (staged !== undefined) removeAllIn(staged);
    unlink(stage.fd, STAGED_NAME, AT_REMOVEDIR);
  }
  return unlink(directory, NAME, AT_REMOVEDIR);
}

/** Nobody but us reaches what is on a stage, so that names stay what they are. */
function removeAllIn(directory: Handle): void {
  for (const name of namesIn(directory, STAGED_NAME)) {
    if (unlink(directory.fd, name, 0)) continue;
    using child = openDirectory(directory.fd, name);
    if (child !== undefined) removeAllIn(child);
    unlink(directory.fd, name, AT_REMOVEDIR);
  }
}

function openDirectory(top: number, name: Uint8Array): Handle | undefined {
  const result = tryToOpen(top, name, DIRECTORY, 0);
  return result < 0 ? undefined : new Handle(result);
}

function unlink(directory: number, name: Uint8Array, flags: number): boolean {
  const text = cString(name);
  return libc().unlinkat(directory, ptr(text), flags) !== -1;
}

function isClosedToOthers({ uid, mode }: InodeStatus): boolean {
  return uid === process.geteuid?.() && (mode & 0o077) === 0;
}
