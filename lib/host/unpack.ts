/** The executable's uncompressed form, which is what runs: written to a file of its own. */
import {
  closeSync,
  constants,
  fchmodSync,
  fsyncSync,
  openSync,
  readFileSync,
  readSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { Failure, Refusal } from "../fault.ts";
import { visible } from "../text.ts";
import { O_TMPFILE } from "./at.ts";
import { checked, cString, libc, ptr } from "./libc.ts";
import { isCompressedForm } from "./payload.ts";
import { newFileFault } from "./probe/new-file.ts";

const SELF = "/proc/self/exe";
const MODE = 0o755;
const CHUNK_BYTES = 1024 ** 2;
const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;

/**
 * Writes this executable to a new file, mode 0755. It has no name until it is whole.
 *
 * @throws Refusal where something is in the way, Failure where writing fails
 */
export function unpackTo(file: string): void {
  const fault = newFileFault(file);
  if (fault !== undefined) throw new Refusal(`Cannot write ${visible(file)}: ${fault}`);
  const action = `Cannot write ${visible(file)}`;
  const output = failing(action, () => openSync(dirname(file), O_TMPFILE | constants.O_RDWR, MODE));
  try {
    failing(action, () => copySelf(output));
    const [from, to] = [cString(`/proc/self/fd/${output}`), cString(file)];
    checked(libc().linkat(AT_FDCWD, ptr(from), AT_FDCWD, ptr(to), AT_SYMLINK_FOLLOW), () => action);
  } finally {
    closeSync(output);
  }
}

/** Whether a file, given whole, is the compressed form of this executable. */
export function isDownloadOfSelf(file: Uint8Array): boolean {
  return isCompressedForm(file, readFileSync(SELF));
}

function copySelf(output: number): void {
  const input = openSync(SELF, constants.O_RDONLY);
  try {
    const buffer = new Uint8Array(CHUNK_BYTES);
    for (;;) {
      const size = readSync(input, buffer);
      if (size === 0) break;
      for (let done = 0; done < size; ) done += writeSync(output, buffer, done, size - done);
    }
    // The umask has no say in whether it can be executed.
    fchmodSync(output, MODE);
    fsyncSync(output);
  } finally {
    closeSync(input);
  }
}

function failing<T>(action: string, body: () => T): T {
  try {
    return body();
  } catch (cause) {
    throw new Failure(`${action}: ${(cause as NodeJS.ErrnoException).code}`, { cause });
  }
}
