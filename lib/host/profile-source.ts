/**
 * The file that a profile is written in, to be changed in place.
 *
 * A symbolic link stays one: what is changed is the file that it leads to, as an editor
 * would. The new text gets the name when it is whole and synced, by changing places with
 * the old one; were that not what was read, both change back. Owner, mode and attributes
 * stay. The profile of a running NixOS is a copy in the store, beside which stands where
 * it was copied from.
 */
import {
  accessSync,
  constants,
  fsyncSync,
  openSync,
  readFileSync,
  realpathSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { Failure, Refusal } from "../fault.ts";
import { type InodeStatus, isSameInode } from "../inode-status.ts";
import { PROFILE_SOURCE } from "../profile/places.ts";
import { readProfile } from "../profile/read.ts";
import type { Profile } from "../profile.ts";
import { visible } from "../text.ts";
import { Handle, lookAt, openNameless, READ, reopen } from "./at.ts";
import { copyOwnerAndMode } from "./copy/metadata.ts";
import { statusOf } from "./inode-status.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "./libc.ts";
import { PROFILE_SIZE_MAX_BYTES } from "./profile-file.ts";
import { readAtMost, readTrusted } from "./trusted-file.ts";
import { attributesOf } from "./xattr.ts";

const STORE = "/nix/store/";
const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;
const RENAME_EXCHANGE = 2;
const PATH_MAX_BYTES = 4096;

export class ProfileSource implements Disposable {
  /** Canonical. */
  readonly file: string;
  readonly text: string;
  readonly profile: Profile;
  readonly #directory: Handle;
  readonly #name: Uint8Array;
  readonly #original: Handle;
  readonly #status: InodeStatus;
  readonly #bytes: Uint8Array;

  /**
   * @param loaded what was read before, and from where
   * @throws Refusal where it can't be changed, or is another machine's; UsageFault where
   *   it has faults
   */
  constructor(loaded: { readonly profile: Profile; readonly file: string }) {
    this.file = sourceOf(loaded.file);
    using opening = new DisposableStack();
    this.#directory = opening.use(openDirectory(this.file));
    this.#name = Buffer.from(basename(this.file));
    this.#original = opening.use(openOriginal(this.#directory, this.#name, this.file));
    this.#status = statusOf(this.#original.fd);
    refuseUnlessChangeable(this.file, this.#status);
    this.#bytes = readAtMost(this.#original.fd, PROFILE_SIZE_MAX_BYTES);
    this.profile = readProfile(this.file, this.#bytes);
    this.text = new TextDecoder().decode(this.#bytes);
    if (this.profile.host.name !== loaded.profile.host.name) {
      throw cannot(
        this.file,
        `it is of ${visible(this.profile.host.name)}, expected ${visible(loaded.profile.host.name)} as ${visible(loaded.file)} is`,
      );
    }
    this.#refuseOthersText();
    opening.move();
  }

  [Symbol.dispose](): void {
    this.#original[Symbol.dispose]();
    this.#directory[Symbol.dispose]();
  }

  /** @throws Failure where it changed meanwhile: then it is as it was changed */
  replace(text: string): void {
    using fresh = openNameless(this.#directory, Buffer.from(this.file));
    const bytes = Buffer.from(text);
    for (let done = 0; done < bytes.length; ) done += writeSync(fresh.fd, bytes, done);
    copyOwnerAndMode(fresh, this.#status, attributesOf(this.#original), Buffer.from(this.file));
    fsyncSync(fresh.fd);
    this.tidy();
    const beside = this.#beside;
    this.#link(fresh, beside);
    try {
      this.#exchange(beside);
    } catch (error) {
      this.#remove(beside);
      throw error;
    }
    if (!this.#isOriginal(beside)) {
      this.#exchange(beside);
      this.#remove(beside);
      throw new Failure(`Cannot replace ${visible(this.file)}: it changed since it was read`);
    }
    this.#remove(beside);
    fsyncSync(this.#directory.fd);
  }

  /**
   * What a run that was killed has left is the text that was, or that was to be: one is
   * the other with insertions. Where somebody wrote into it just before they changed
   * places, it is neither, and the only copy of what they wrote.
   */
  #refuseOthersText(): void {
    using there = lookAt(this.#directory.fd, this.#beside);
    if (there === undefined) return;
    const isFile = statusOf(there.fd).type === "file";
    const bytes = isFile ? this.#readLeft(there) : undefined;
    const isOurs =
      bytes !== undefined && (holdsInOrder(bytes, this.#bytes) || holdsInOrder(this.#bytes, bytes));
    if (isOurs) return;
    const left = visible(Buffer.concat([Buffer.from(`${dirname(this.file)}/`), this.#beside]));
    throw cannot(this.file, `${left} was left by a run that was killed, and was changed since`, {
      hint: "Look at both for what is missing in the profile, then remove that file",
    });
  }

  #readLeft(there: Handle): Uint8Array {
    using file = reopen(there, READ, this.#beside);
    return readAtMost(file.fd, PROFILE_SIZE_MAX_BYTES);
  }

  /** Removes what a run that was killed has left. */
  tidy(): void {
    this.#remove(this.#beside);
  }

  get #beside(): Uint8Array {
    return Buffer.concat([Buffer.from("."), this.#name, Buffer.from(".blankroot-new")]);
  }

  /** Whether under this name stands what was read, unchanged. */
  #isOriginal(name: Uint8Array): boolean {
    using there = lookAt(this.#directory.fd, name);
    if (there === undefined || !isSameInode(statusOf(there.fd), this.#status)) return false;
    using file = reopen(there, READ, name);
    return Buffer.from(readFileSync(file.fd)).equals(this.#bytes);
  }

  #link(fresh: Handle, name: Uint8Array): void {
    const [from, to] = [cString(fresh.path), cString(name)];
    const result = libc().linkat(
      AT_FDCWD,
      ptr(from),
      this.#directory.fd,
      ptr(to),
      AT_SYMLINK_FOLLOW,
    );
    checked(result, () => `Cannot write beside ${visible(this.file)}`);
  }

  #exchange(name: Uint8Array): void {
    const [from, to] = [cString(name), cString(this.#name)];
    const { fd } = this.#directory;
    const result = libc().renameat2(fd, ptr(from), fd, ptr(to), RENAME_EXCHANGE);
    checked(result, () => `Cannot replace ${visible(this.file)}`);
  }

  /** Also where there is nothing. */
  #remove(name: Uint8Array): void {
    const text = cString(name);
    if (libc().unlinkat(this.#directory.fd, ptr(text), 0) !== -1) return;
    const fault = new CallFailure(
      `Cannot remove what stands beside ${visible(this.file)}`,
      errno(),
    );
    if (fault.code !== "ENOENT") throw fault;
  }
}

/** Whether a text is another one with insertions. */
function holdsInOrder(long: Uint8Array, short: Uint8Array): boolean {
  let met = 0;
  for (const byte of long) if (byte === short[met]) met++;
  return met === short.length;
}

/** The canonical path of the file itself. */
function sourceOf(file: string): string {
  const real = realpathSync(file);
  if (!real.startsWith(STORE)) return real;
  const pointer = join(dirname(file), basename(PROFILE_SOURCE));
  const bytes = readTrusted(pointer, PATH_MAX_BYTES);
  if (bytes === undefined) {
    throw cannot(file, `it lies in the store, as ${visible(real)}, which nothing changes`, {
      hint: "--profile FILE names the file of the configuration that it was copied from",
    });
  }
  const source = new TextDecoder().decode(bytes).trim();
  try {
    return realpathSync(source);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw cannot(file, `it is a copy of ${visible(source)}, which can't be found here (${code})`, {
      hint: "--profile FILE names that file, wherever it is",
      cause,
    });
  }
}

function openDirectory(file: string): Handle {
  try {
    const directory = dirname(file);
    return new Handle(openSync(directory, constants.O_RDONLY | constants.O_DIRECTORY));
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw cannot(file, `its directory can't be opened (${code})`, { cause });
  }
}

function openOriginal(directory: Handle, name: Uint8Array, file: string): Handle {
  try {
    using there = lookAt(directory.fd, name);
    if (there !== undefined && statusOf(there.fd).type === "file") return reopen(there, READ, name);
  } catch (error) {
    if (!(error instanceof CallFailure) || error.code !== "EXDEV") throw error;
    throw cannot(file, "it is a mount point, and can't be replaced", {
      hint: "--profile FILE names the file that is mounted there, such as the one below the persist root",
      cause: error,
    });
  }
  throw cannot(file, "it is no regular file any more");
}

function refuseUnlessChangeable(file: string, { links, mode }: InodeStatus): void {
  if (links > 1) {
    throw cannot(file, `it has ${links} names (hard links), which would part, expected one`);
  }
  if ((mode & 0o222) === 0) {
    throw cannot(file, `nobody may write to it (mode ${mode.toString(8).padStart(4, "0")})`, {
      hint: "chmod u+w lets it be changed",
    });
  }
  for (const path of [file, dirname(file)]) {
    try {
      accessSync(path, constants.W_OK);
    } catch (cause) {
      const what = path === file ? "it" : "its directory";
      const { code } = cause as NodeJS.ErrnoException;
      const state = code === "EROFS" ? "is mounted read-only" : `can't be written to (${code})`;
      throw cannot(file, `${what} ${state}`, { cause });
    }
  }
}

function cannot(
  file: string,
  detail: string,
  options: { hint?: string; cause?: unknown } = {},
): Refusal {
  return new Refusal(`Cannot add to the profile ${visible(file)}: ${detail}`, options);
}
