/**
 * Files of a configuration in a directory: never over one that differs, unless that is
 * wanted, and then it is kept beside.
 *
 * All are looked at before the first is written. A file gets its name when it is whole
 * and synced, and at no time has its name nothing behind it; no symbolic link is
 * followed, neither to the directory nor in it.
 */
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readSync,
  writeSync,
} from "node:fs";
import { constants as osConstants } from "node:os";
import { Failure, Refusal } from "../fault.ts";
import { visible } from "../text.ts";
import { type Handle, lookAt, O_TMPFILE, openBeneath, READ, reopen } from "./at.ts";
import { statusOf } from "./inode-status.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "./libc.ts";

const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;
const { EEXIST, ENOENT } = osConstants.errno;
const CHUNK_BYTES = 1024 ** 2;
const KEPT_MAX = 1000;

export interface NewFile {
  readonly name: string;
  /** Text, or the path of a file to be copied. */
  readonly content: string | { readonly copyOf: string };
  /** Whether other bytes are as good, so that they stay. */
  readonly isAsGood?: (there: Uint8Array) => boolean;
  readonly mode: number;
}

/** What is to be done for one file. */
export interface Outcome {
  readonly file: NewFile;
  readonly state: "new" | "same" | "differs";
}

/** A directory of a configuration, held open. */
export class ConfigDirectory implements Disposable {
  readonly #fd: number;
  readonly #path: string;

  /**
   * Makes it where it isn't there, with all above it.
   *
   * @throws Refusal where it is no directory, or a symbolic link to one
   */
  constructor(path: string) {
    this.#path = path;
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW;
    try {
      if (!existsSync(path)) mkdirSync(path, { recursive: true, mode: 0o755 });
      this.#fd = openSync(path, flags);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      const state = code === "ENOTDIR" || code === "ELOOP" ? "it is none itself" : code;
      throw new Refusal(`Cannot write to ${visible(path)}: ${state}, expected a directory`, {
        cause,
      });
    }
  }

  [Symbol.dispose](): void {
    closeSync(this.#fd);
  }

  /** @throws Refusal where something that is no file has the name */
  look(file: NewFile): Outcome {
    using there = lookAt(this.#fd, Buffer.from(file.name));
    if (there === undefined) return { file, state: "new" };
    const { type } = statusOf(there.fd);
    // What a link leads to is not ours to compare with.
    if (type === "symlink") return { file, state: "differs" };
    if (type !== "file") {
      const path = visible(this.#pathOf(file.name));
      throw new Refusal(`Cannot write ${path}: it is a ${type}, expected a file or nothing`);
    }
    using original = reopen(there, READ, Buffer.from(file.name));
    return { file, state: this.#holds(original, file) ? "same" : "differs" };
  }

  /** Writes one file. @returns the name that what was there is kept under, where it differed */
  write({ file, state }: Outcome): string | undefined {
    if (state === "same") return undefined;
    const nameless = openBeneath(this.#fd, DOT, O_TMPFILE | constants.O_RDWR, 0o600);
    using _ = nameless;
    fill(nameless.fd, file.content);
    // The umask has no say in who may read a configuration, or run a program.
    fchmodSync(nameless.fd, file.mode);
    fsyncSync(nameless.fd);
    const kept = state === "differs" ? this.#keep(file.name) : undefined;
    if (kept === undefined) this.#link(nameless, file.name);
    else this.#replace(nameless, file.name);
    fsyncSync(this.#fd);
    return kept;
  }

  /** Gives what is there a second name, that nothing else has. */
  #keep(name: string): string {
    const from = cString(name);
    for (let count = 1; count <= KEPT_MAX; count++) {
      const kept = `${name}.old${count === 1 ? "" : count}`;
      const to = cString(kept);
      if (libc().linkat(this.#fd, ptr(from), this.#fd, ptr(to), 0) !== -1) return kept;
      const code = errno();
      if (code !== EEXIST) throw new CallFailure(`Cannot keep ${this.#shown(name)}`, code);
      // Of a run that was killed when it had come so far.
      if (this.#isSame(name, kept)) return kept;
    }
    throw new Refusal(`Cannot keep ${this.#shown(name)}: ${KEPT_MAX} old ones are there`);
  }

  #isSame(a: string, b: string): boolean {
    using first = lookAt(this.#fd, Buffer.from(a));
    using second = lookAt(this.#fd, Buffer.from(b));
    if (first === undefined || second === undefined) return false;
    return statusOf(first.fd).inode === statusOf(second.fd).inode;
  }

  #link(nameless: Handle, name: string): void {
    const action = () => `Cannot write ${this.#shown(name)}`;
    const from = cString(nameless.path);
    const to = cString(name);
    const linked = libc().linkat(AT_FDCWD, ptr(from), this.#fd, ptr(to), AT_SYMLINK_FOLLOW);
    checked(linked, action);
  }

  /** What is kept has its other name already: this one goes from the old file to the new at once. */
  #replace(nameless: Handle, name: string): void {
    const fresh = `.${name}.blankroot-new`;
    const [from, to] = [cString(fresh), cString(name)];
    // Of a run that was killed; where there is none, nothing is to be done.
    const code = libc().unlinkat(this.#fd, ptr(from), 0) === -1 ? errno() : ENOENT;
    if (code !== ENOENT) throw new CallFailure(`Cannot remove ${this.#shown(fresh)}`, code);
    this.#link(nameless, fresh);
    checked(
      libc().renameat2(this.#fd, ptr(from), this.#fd, ptr(to), 0),
      () => `Cannot write ${this.#shown(name)}`,
    );
  }

  #holds(original: Handle, { content, isAsGood }: NewFile): boolean {
    const there = readWhole(original.fd);
    const wanted = typeof content === "string" ? Buffer.from(content) : readFile(content.copyOf);
    return there.equals(wanted) || (isAsGood?.(there) ?? false);
  }

  #pathOf(name: string): string {
    return `${this.#path.replace(/\/+$/, "")}/${name}`;
  }

  #shown(name: string): string {
    return visible(this.#pathOf(name));
  }
}

const DOT = new TextEncoder().encode(".");

function fill(fd: number, content: NewFile["content"]): void {
  const bytes = typeof content === "string" ? Buffer.from(content) : readFile(content.copyOf);
  for (let done = 0; done < bytes.length; ) done += writeSync(fd, bytes, done);
}

function readFile(path: string): Buffer {
  let fd: number;
  try {
    fd = openSync(path, constants.O_RDONLY);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure(`Cannot read ${visible(path)}: ${code}`, { cause });
  }
  try {
    return readWhole(fd);
  } finally {
    closeSync(fd);
  }
}

function readWhole(fd: number): Buffer {
  const pieces: Buffer[] = [];
  for (;;) {
    const piece = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = readSync(fd, piece, 0, piece.length, null);
    if (count === 0) return Buffer.concat(pieces);
    pieces.push(piece.subarray(0, count));
  }
}
