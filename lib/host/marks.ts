/** Where marks are kept: a file of the user's, or one below the persist root, which outlives the root. */
import {
  closeSync,
  constants,
  existsSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";
import { Failure, Refusal } from "../fault.ts";
import { type Mark, markText, readMark, STATE_DIRECTORY } from "../marks.ts";
import { visible } from "../text.ts";

/** Below the persist root. */
const PLACE = `${STATE_DIRECTORY}/fs-diff.mark`;

export interface MarkFile {
  /** For people. */
  readonly name: string;
  readonly path: string;
  /** Whether its directory is ours to make. */
  readonly isDefault: boolean;
}

/**
 * Only the directory of the default is ever made: one that is missing on the way to
 * FILE was mistyped.
 *
 * @throws Refusal where neither a file is named nor a persist root is there, or it is no file
 */
export function markFile(
  state: string | undefined,
  persist: { readonly fd: number; readonly path: string } | undefined,
): MarkFile {
  if (state !== undefined) {
    refuseUnlessDirectory(dirname(state), state);
    refuseUnlessFile(state);
    return { name: state, path: state, isDefault: false };
  }
  if (persist === undefined) {
    throw new Refusal("Cannot find the mark: there is no persist root", {
      hint: "--state FILE says where it is kept",
    });
  }
  return {
    name: `${persist.path}${PLACE}`,
    path: `/proc/self/fd/${persist.fd}${PLACE}`,
    isDefault: true,
  };
}

function refuseUnlessDirectory(directory: string, state: string): void {
  const fault = directoryFault(directory);
  if (fault === undefined) return;
  throw new Refusal(
    `Cannot keep the mark in ${visible(state)}: ${visible(directory)} ${fault}, expected a directory`,
  );
}

function directoryFault(path: string): string | undefined {
  try {
    return statSync(path).isDirectory() ? undefined : "is no directory";
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    return code === "ENOENT" ? "is missing" : `can't be looked at (${code})`;
  }
}

/** What is replaced is a former mark: never a device, nor a link and so not what it leads to. */
function refuseUnlessFile(path: string): void {
  const there = lstatSync(path, { throwIfNoEntry: false });
  if (there === undefined || there.isFile()) return;
  throw new Refusal(
    `Cannot keep the mark in ${visible(path)}: it is no regular file, expected one or nothing`,
  );
}

export function hasMark({ path }: MarkFile): boolean {
  return existsSync(path);
}

/** @throws Refusal where there is none, or it can't be used */
export function loadMark({ name, path }: MarkFile): Mark {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const state = code === "ENOENT" ? "there is none yet" : `it can't be read (${code})`;
    throw new Refusal(`Cannot use the mark in ${visible(name)}: ${state}`, {
      hint: "fs-diff --mark writes it",
      cause,
    });
  }
  return readMark(text, visible(name));
}

/** Replaces the file as a whole, and is done when it is on the disk. @throws Failure */
export function saveMark({ name, path, isDefault }: MarkFile, mark: Mark): void {
  try {
    if (isDefault) mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    replace(path, markText(mark));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure(`Cannot write the mark to ${visible(name)}: ${code}`, {
      hint: "The listing is complete; the former mark, if any, still holds",
      cause,
    });
  }
}

/** By a file of our own beside it, whose name nobody can have put there before. */
function replace(path: string, text: string): void {
  const fresh = `${path}.${process.pid}.new`;
  const fd = openSync(fresh, constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL, 0o600);
  using undo = new DisposableStack();
  undo.defer(() => rmSync(fresh, { force: true }));
  try {
    writeFileSync(fd, text);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  renameSync(fresh, path);
  undo.move();
}
