/**
 * What we say when metadata is not what the disk format promises.
 *
 * Never skipped and never guessed at: a listing that silently lacks a path is
 * worse than none. The item is named as `btrfs inspect-internal dump-tree` does,
 * so that it can be found there.
 */
import { Failure } from "../fault.ts";
import { visible } from "../text.ts";
import { KEY_NAMES } from "./format.ts";

/** A path went away between its listing and a closer look: no damage, the machine is in use. */
export class Vanished extends Failure {}

/** Which item: the tree and its key. */
export interface Place {
  readonly tree: number;
  readonly objectid: number;
  readonly type: number;
  readonly offset: number;
}

/** An item that breaks the format. */
export class Damage extends Failure {
  readonly #item: string;

  /** @param path that was being looked at, where it is known */
  constructor(item: string, path?: Uint8Array) {
    const of = path === undefined ? "" : ` of ${visible(path)}`;
    super(`Cannot read btrfs metadata${of}: item ${item}`, {
      hint: "the output is incomplete; `btrfs check --readonly` on the unmounted disk tells more",
    });
    this.#item = item;
  }

  at(path: Uint8Array): Damage {
    return new Damage(this.#item, path);
  }
}

/** @param detail what is there and what should be */
export function damaged(place: Place, detail: string): Damage {
  const type = KEY_NAMES[place.type] ?? `type ${place.type}`;
  const key = `(${place.objectid} ${type} ${place.offset}) of tree ${place.tree}`;
  return new Damage(`${key}: ${detail}`);
}
