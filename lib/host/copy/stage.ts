/**
 * A directory beside the place of a copy, for what is not finished.
 *
 * In a directory that belongs to a user, whatever has a name can be swapped before
 * it is given its owner and mode, and these would go to what the user put there.
 * The stage is closed to all but us, and is checked to be so once it is open.
 */
import { constants } from "node:fs";
import { STAGE_NAME } from "../../copy/leftover.ts";
import { Failure } from "../../fault.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { visible } from "../../text.ts";
import { lookAt, openBeneath, statusOf } from "../at.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "../libc.ts";

const AT_REMOVEDIR = 0x200;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
const NAME = Buffer.from(STAGE_NAME);
/** What is on the stage; no name that anything else has. */
const STAGED_NAME = Buffer.from(".blankroot-staged");

/** A name in an open directory. */
export interface Spot {
  readonly directory: number;
  readonly name: Uint8Array;
  /** The whole path, for errors. */
  readonly path: Uint8Array;
}

/**
 * Lets something be made ready beside its place, and moved there.
 *
 * @param build gets the spot on the stage, which must be empty again at its end
 */
export function onStage(target: Spot, build: (staged: Spot) => void): void {
  const name = cString(NAME);
  const made = libc().mkdirat(target.directory, ptr(name), 0o700);
  checked(made, () => `Cannot make ${STAGE_NAME} beside ${visible(target.path)}`);
  try {
    using stage = openBeneath(target.directory, NAME, DIRECTORY);
    if (!isClosedToOthers(statusOf(stage.fd))) {
      throw new Failure(`Cannot make ${visible(target.path)}: something was put in its way`);
    }
    build({ directory: stage.fd, name: STAGED_NAME, path: target.path });
  } catch (error) {
    // What can't be removed now is found and removed by the next run.
    removeStage(target.directory);
    throw error;
  }
  clearStage(target.directory, target.path);
}

/** Removes a stage with the one thing on it. @param path for errors */
export function clearStage(directory: number, path: Uint8Array): void {
  if (removeStage(directory)) return;
  const code = errno();
  throw new CallFailure(`Cannot remove ${STAGE_NAME} beside ${visible(path)}`, code);
}

/** What is in the way under the stage's name and is none is left alone. */
export function isStage(status: InodeStatus): boolean {
  return status.type === "directory" && isClosedToOthers(status);
}

/** A directory on a stage is always empty: it gets its content in its place. */
function removeStage(directory: number): boolean {
  {
    using stage = lookAt(directory, NAME);
    if (stage === undefined) return true;
    if (!unlink(stage.fd, STAGED_NAME, 0)) unlink(stage.fd, STAGED_NAME, AT_REMOVEDIR);
  }
  return unlink(directory, NAME, AT_REMOVEDIR);
}

function unlink(directory: number, name: Uint8Array, flags: number): boolean {
  const text = cString(name);
  return libc().unlinkat(directory, ptr(text), flags) !== -1;
}

function isClosedToOthers({ uid, mode }: InodeStatus): boolean {
  return uid === process.geteuid?.() && (mode & 0o077) === 0;
}
