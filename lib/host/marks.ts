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
  writeSync,
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
}

/** @throws Refusal where neither a file is named nor a persist root is there, or it is no file */
export function markFile(
  state: string | undefined,
  persist: { readonly fd: number; readonly path: string } | undefined,
): MarkFile {
  if (state !== undefined) {
    refuseUnlessFile(state);
    return { name: state, path: state };
  }
  if (persist === undefined) {
    throw new Refusal("Cannot find the mark: there is no persist root", {
      hint: "--state FILE says where it is kept",
    });
  }
  return { name: `${persist.path}${PLACE}`, path: `/proc/self/fd/${persist.fd}${PLACE}` };
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
export function saveMark({ name, path }: MarkFile, mark: Mark): void {
  const fresh = `${path}.new`;
  try {
    mkdirSync(dirname(path), { recursive: true, mode: 0o755 });
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
    const fd = openSync(fresh, flags, 0o600);
    try {
      writeSync(fd, markText(mark));
      fsyncSync(fd);
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure(`Cannot write the mark to ${visible(name)}: ${code}`, {
      hint: "The listing is complete; the former mark, if any, still holds",
      cause,
    });
  }
}
