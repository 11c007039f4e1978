/**
 * A directory of what is copied, opened where something in it has to be: the metadata of
 * a frozen tree tell most of what is asked.
 */
import { constants } from "node:os";
import { visible } from "../../text.ts";
import { ABSENT, Handle, READ_DIRECTORY, tryToOpen } from "../at.ts";
import { CallFailure } from "../libc.ts";
import type { Found } from "./trees.ts";

export class Directory implements Disposable {
  readonly #place: Found;
  readonly #path: Uint8Array;
  #handle: Handle | undefined;
  #isTried = false;

  /** @param path for errors */
  constructor(place: Found, path: Uint8Array) {
    this.#place = place;
    this.#path = path;
  }

  /** Undefined where it is gone, or replaced by what has no names. @throws CallFailure */
  get handle(): Handle | undefined {
    const { tree, rest } = this.#place;
    if (!this.#isTried) this.#handle = openDirectory(tree.fd, rest, this.#path);
    this.#isTried = true;
    return this.#handle;
  }

  /** @throws CallFailure, also where it is gone */
  get fd(): number {
    if (this.handle !== undefined) return this.handle.fd;
    throw new CallFailure(`Cannot open ${visible(this.#path)}`, constants.errno.ENOENT);
  }

  [Symbol.dispose](): void {
    this.#handle?.[Symbol.dispose]();
  }
}

/** @param path for errors. @returns undefined where there is no directory */
export function openDirectory(
  top: number,
  below: Uint8Array,
  path: Uint8Array,
): Handle | undefined {
  const result = tryToOpen(top, below, READ_DIRECTORY, 0);
  if (result >= 0) return new Handle(result);
  if (ABSENT.has(-result)) return undefined;
  throw new CallFailure(`Cannot open ${visible(path)}`, -result);
}
