/** The names of inodes that have several: which are to be links in the copy too. */
import type { InodeStatus } from "../inode-status.ts";

export interface FirstName {
  readonly path: Uint8Array;
  /** What the persist root has there already, where that is equal. */
  readonly copy: InodeStatus | undefined;
}

interface Names extends FirstName {
  met: number;
  readonly links: number;
}

export class HardLinks {
  readonly #names = new Map<string, Names>();

  /**
   * Takes a path into account.
   *
   * @param copy what is there already and equal
   * @returns the first path of the same inode, where this is a further one
   */
  meet(
    path: Uint8Array,
    status: InodeStatus,
    copy: InodeStatus | undefined,
  ): FirstName | undefined {
    const { device, inode, links, type } = status;
    if (links < 2 || type === "directory") return undefined;
    const key = `${device}:${inode}`;
    const known = this.#names.get(key);
    if (known === undefined) {
      this.#names.set(key, { path, copy, met: 1, links });
      return undefined;
    }
    known.met++;
    return known;
  }

  /** How many have more names than were met. */
  get incomplete(): number {
    return [...this.#names.values()].filter(({ met, links }) => met < links).length;
  }
}
