/**
 * What we say when metadata is not what the disk format promises.
 *
 * Never skipped and never guessed at: a listing that silently lacks a path is
 * worse than none. The item is named as `btrfs inspect-internal dump-tree` does,
 * so that it can be found there.
 */
import { Failure } from "../fault.ts";
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

/** The failure for an item that breaks the format; `detail` says what is there and what should be. */
export function damaged(place: Place, detail: string): Failure {
  const type = KEY_NAMES[place.type] ?? `type ${place.type}`;
  const key = `(${place.objectid} ${type} ${place.offset}) of tree ${place.tree}`;
  return new Failure(`Cannot read btrfs metadata: item ${key}: ${detail}`, {
    hint: "the output is incomplete; `btrfs check --readonly` on the unmounted disk tells more",
  });
}
