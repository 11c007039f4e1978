/** The directory of the root that is being copied from, kept open from one file to the next. */
import { latin1OfParent } from "../../latin1.ts";
import { visible } from "../../text.ts";
import { ABSENT, Handle, READ_DIRECTORY, tryToOpen } from "../at.ts";
import { CallFailure } from "../libc.ts";
import { LeftOut } from "./left-out.ts";
import type { SourceSpot } from "./original.ts";
import type { SourceTrees } from "./trees.ts";

const ITSELF = Buffer.from(".");

export class SourceDirectories implements Disposable {
  readonly #trees: SourceTrees;
  #open: { readonly path: string; readonly handle: Handle } | undefined;

  constructor(trees: SourceTrees) {
    this.#trees = trees;
  }

  /** @throws LeftOut where its directory is gone */
  spotOf(path: Uint8Array): SourceSpot {
    const { tree, rest } = this.#trees.find(path);
    const { fd, isFrozen } = tree;
    if (rest.length === 0) return { directory: fd, name: ITSELF, path, isFrozen };
    const slash = rest.lastIndexOf(0x2f);
    const parent = latin1OfParent(path);
    if (this.#open?.path !== parent) {
      this[Symbol.dispose]();
      this.#open = { path: parent, handle: open(fd, rest.subarray(0, slash)) };
    }
    return { directory: this.#open.handle.fd, name: rest.subarray(slash + 1), path, isFrozen };
  }

  [Symbol.dispose](): void {
    this.#open?.handle[Symbol.dispose]();
    this.#open = undefined;
  }
}

function open(top: number, path: Uint8Array): Handle {
  const result = tryToOpen(top, path, READ_DIRECTORY, 0);
  if (result >= 0) return new Handle(result);
  if (ABSENT.has(-result)) throw new LeftOut("its directory is gone since it was looked at");
  throw new CallFailure(`Cannot open ${visible(path)}`, -result);
}
