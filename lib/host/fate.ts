/**
 * The persist side of a comparison: whether it holds an equal copy of a path now.
 *
 * Both sides are reached by descriptor through no symbolic link: a link planted in
 * the persist root must not lend another file's content to a verdict.
 */

import { dirname } from "node:path/posix";
import { type Difference, isEqualCopy } from "../copy/difference.ts";
import type { Copy, PersistSide } from "../fate.ts";
import { Failure, Fault } from "../fault.ts";
import { latin1 } from "../latin1.ts";
import { visible } from "../text.ts";
import { type Handle, lookAt } from "./at.ts";
import { compareHandles } from "./compare.ts";
import { CallFailure } from "./libc.ts";
import type { Roots } from "./roots.ts";

/** Undefined where there is no persist root. It ends with the roots. */
export function persistSideOf(roots: Pick<Roots, "root" | "persist">): PersistSide | undefined {
  if (roots.persist === undefined) return undefined;
  return new OpenPersistSide(roots.root, roots.persist.fd);
}

class OpenPersistSide implements PersistSide {
  readonly #root: number;
  readonly #persist: number;
  /** The directory of the last missing path, as latin1, and whether it is there itself. */
  #directory = "";
  #hasDirectory = true;

  constructor(root: number, persist: number) {
    this.#root = root;
    this.#persist = persist;
  }

  equalCopy(path: Uint8Array): Copy {
    try {
      return this.#copyOf(path);
    } catch (fault) {
      if (fault instanceof CallFailure && fault.code === "EACCES") return "unreadable";
      throw fault;
    }
  }

  #copyOf(path: Uint8Array): Copy {
    const directory = dirname(latin1(path));
    // What is missing as a whole is asked for once, not for each file in it.
    if (directory === this.#directory && !this.#hasDirectory) return "missing";
    using copy = lookAt(this.#persist, path);
    if (copy === undefined) {
      this.#noteMissing(directory);
      return "missing";
    }
    using original = lookAt(this.#root, path);
    // Gone since its metadata were read: what there is of it now is the copy alone.
    if (original === undefined) return "differs";
    const differences = differencesOf(original, copy, path);
    if (differences.includes("type")) return "another type";
    return isEqualCopy(differences) ? "equal" : "differs";
  }

  #noteMissing(directory: string): void {
    if (directory === this.#directory) return;
    using found = lookAt(this.#persist, Buffer.from(directory, "latin1"));
    this.#directory = directory;
    this.#hasDirectory = found !== undefined;
  }
}

function differencesOf(original: Handle, copy: Handle, path: Uint8Array): Difference[] {
  try {
    return compareHandles(original, copy, path);
  } catch (cause) {
    if (cause instanceof Fault || !(cause instanceof Error && "code" in cause)) throw cause;
    throw new Failure(`Cannot compare ${visible(path)} with its copy: ${cause.code}`, { cause });
  }
}
