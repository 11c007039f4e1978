/** What copies get once all else is done, for it would be in the way or wouldn't stay. */
import type { InodeStatus } from "../../inode-status.ts";
import type { Handle } from "../at.ts";
import { protect } from "./flags.ts";
import type { LeftOutPaths } from "./left-out.ts";
import { copyTimes } from "./metadata.ts";
import type { PlacedDirectory } from "./staging.ts";

export class LastTouches {
  readonly #timed: PlacedDirectory[] = [];
  readonly #protected: PlacedDirectory[] = [];

  /** To a directory that something was or is still to be put into, which changes them. */
  giveTimes(directory: PlacedDirectory): void {
    this.#timed.push(directory);
  }

  /** Makes it immutable or append-only, as the original is. */
  protect(inode: PlacedDirectory): void {
    this.#protected.push(inode);
  }

  /** @param look at the copy of a path, which must be what was seen there */
  carryOut(look: (path: Uint8Array, seen: InodeStatus) => Handle, leftOut: LeftOutPaths): void {
    const each = (
      all: readonly PlacedDirectory[],
      give: (one: PlacedDirectory, to: Handle) => void,
    ) => {
      for (const one of all) {
        if (leftOut.has(one.path)) continue;
        try {
          using copy = look(one.path, one.copy);
          give(one, copy);
        } catch (error) {
          leftOut.addFor(error, one);
        }
      }
    };
    // What lies in a directory first.
    each(this.#timed.reverse(), ({ path, status }, copy) => copyTimes(copy.fd, status, path));
    // What nothing could be put into any more would end the next run before it begins.
    const whole = this.#protected.filter(({ path }) => !leftOut.isIn(path));
    each(whole, ({ path, status }, copy) => protect(copy, status, path));
  }
}
