/** The directory of the root that is being copied from, kept open from one file to the next. */
import { latin1OfParent } from "../../latin1.ts";
import type { Handle } from "../at.ts";
import { openDirectory } from "./directory.ts";
import { LeftOut, orLeaveOut } from "./left-out.ts";
import type { SourceSpot } from "./original.ts";
import type { SourceTrees } from "./trees.ts";

const ITSELF = Buffer.from(".");

export class SourceDirectories implements Disposable {
  readonly #trees: SourceTrees;
  #open: { readonly path: string; readonly handle: Handle } | undefined;

  constructor(trees: SourceTrees) {
    this.#trees = trees;
  }

  /** @throws LeftOut where its directory is gone, or not to be had */
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
  const handle = orLeaveOut(() => openDirectory(top, path, path), "its directory can't be opened");
  if (handle !== undefined) return handle;
  throw new LeftOut("its directory is gone since it was looked at");
}
