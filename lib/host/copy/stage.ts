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
import { AT_EMPTY_PATH } from "../statx.ts";
import { attributesOf, setAttributes } from "../xattr.ts";
import { clearFlags, NewFileFlags } from "./flags.ts";
import { LeftOut } from "./left-out.ts";
import { clearReplacing, REPLACING_NAME } from "./replaced.ts";

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
  /** Of its files. */
  readonly flags: NewFileFlags;
}

export class Stage implements Disposable, StageTraits {
  /** The directory it stands in. */
  readonly parent: Handle;
  /** Where things are made, under the names that they are to have. */
  readonly top: Handle;
  readonly isLabelled: boolean;
  readonly flags = new NewFileFlags();
  readonly directoryFlags = new NewFileFlags();
  readonly #stage: Handle;
  readonly #path: Uint8Array;
  #replacing: Handle | undefined;
  #isThere = true;

  private constructor(parent: Handle, stage: Handle, top: Handle, path: Uint8Array) {
    this.parent = parent;
    this.#stage = stage;
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
    const stage = made.use(openBeneath(parent.fd, NAME, DIRECTORY));
    if (!isClosedToOthers(statusOf(stage.fd))) {
      throw new LeftOut("something was put in its way");
    }
    takeNothingOver(stage, path);
    makeDirectory(stage.fd, STAGED_NAME, () => `Cannot make ${STAGE_NAME} beside ${visible(path)}`);
    const top = openBeneath(stage.fd, STAGED_NAME, DIRECTORY);
    made.move();
    return new Stage(parent, stage, top, path);
  }

  /** Where what is replaced stands until it was looked at: see replaced.ts. */
  replacing(path: Uint8Array): number {
    if (this.#replacing === undefined) {
      const action = () => `Cannot make ${STAGE_NAME} beside ${visible(path)}`;
      makeDirectory(this.#stage.fd, REPLACING_NAME, action);
      this.#replacing = openBeneath(this.#stage.fd, REPLACING_NAME, DIRECTORY);
    }
    return this.#replacing.fd;
  }

  /** Ends it once it is empty. */
  clear(): void {
    if (!this.#isThere) return;
    using _ = this.parent;
    this.#close();
    clearStage(this.parent.fd, this.#path);
  }

  /** Ends it with all that is still on it. */
  [Symbol.dispose](): void {
    if (!this.#isThere) return;
    using _ = this.parent;
    this.#close();
    removeStage(this.parent.fd);
  }

  #close(): void {
    this.#isThere = false;
    this.#replacing?.[Symbol.dispose]();
    this.top[Symbol.dispose]();
    this.#stage[Symbol.dispose]();
  }
}

/**
 * Removes a stage with all that is on it.
 *
 * @param path for errors
 * @throws LeftOut where something of somebody else's was on it, and is kept
 */
export function clearStage(directory: number, path: Uint8Array): void {
  const { isGone, kept } = removeStage(directory);
  const code = errno();
  if (kept.length > 0) {
    throw new LeftOut(
      `what somebody wrote while it was replaced is kept beside it, as ${kept.join(", ")}`,
    );
  }
  if (isGone) return;
  throw new CallFailure(`Cannot remove ${STAGE_NAME} beside ${visible(path)}`, code);
}

/** What is in the way under the stage's name and is none is left alone. */
export function isStage(found: Handle, path: Uint8Array): boolean {
  const status = statusOf(found.fd);
  if (status.type !== "directory" || !isClosedToOthers(status)) return false;
  using stage = reopen(found, constants.O_RDONLY | constants.O_DIRECTORY, path);
  return namesIn(stage, path).every(
    (name) => STAGED_NAME.equals(name) || REPLACING_NAME.equals(name),
  );
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

function removeStage(directory: number): { isGone: boolean; kept: string[] } {
  const kept: string[] = [];
  {
    using stage = openDirectory(directory, NAME);
    if (stage === undefined) return { isGone: isNothing(directory), kept };
    using replacing = openDirectory(stage.fd, REPLACING_NAME);
    if (replacing !== undefined) kept.push(...clearReplacing(replacing, directory));
    unlink(stage.fd, REPLACING_NAME, AT_REMOVEDIR);
    using staged = openDirectory(stage.fd, STAGED_NAME);
    if (staged !== undefined) removeAllIn(staged);
    unlink(stage.fd, STAGED_NAME, AT_REMOVEDIR);
  }
  return { isGone: unlink(directory, NAME, AT_REMOVEDIR), kept };
}

function isNothing(directory: number): boolean {
  using found = lookAt(directory, NAME);
  return found === undefined;
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
