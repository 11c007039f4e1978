/**
 * Paths that are printed while a walk goes on, as lines, ended by NUL or as JSON: what a
 * line can't hold is counted, and what lies too deep is told once all else is listed.
 */
import { TooDeep } from "../btrfs/too-deep.ts";
import { say } from "../cli.ts";
import { UsageFault } from "../fault.ts";
import type { ListingFormat } from "../report/listing.ts";
import { plural } from "../text.ts";
import { stdout } from "./output.ts";
import { Progress } from "./progress.ts";

interface Flags {
  readonly json?: boolean | undefined;
  readonly null?: boolean | undefined;
  readonly quiet?: boolean | undefined;
}

/** @throws UsageFault where two formats are asked for */
export function refuseTwoFormats(flags: Flags): void {
  if (flags.json === true && flags.null === true) {
    throw new UsageFault("Cannot list with --json and --null: expected one of them");
  }
}

export class Records implements Disposable {
  readonly format: ListingFormat;
  readonly tooDeep = new TooDeep();
  count = 0;
  #withheld = 0;
  readonly #progress: Progress;

  /** @param what is counted while nothing is printed: "paths" */
  constructor({ json, null: ends, quiet }: Flags, what: string) {
    const kind = json === true ? "json" : ends === true ? "null" : "lines";
    this.format = { kind, status: true, terminal: stdout.isTerminal };
    this.#progress = new Progress(what, quiet !== true && !stdout.isTerminal);
  }

  step(): void {
    this.#progress.step();
  }

  /** @param record undefined where the format can't hold it */
  write(record: Uint8Array | undefined): void {
    this.count++;
    if (record === undefined) this.#withheld++;
    else stdout.write(record);
  }

  /** Ends the list. */
  finish(): void {
    stdout.flush();
    this.#progress[Symbol.dispose]();
    if (this.#withheld === 0) return;
    const paths = plural(this.#withheld, "path");
    say.warn(`${paths} left out: a name in it contains a newline. -0 lists them all`);
  }

  /** @throws Failure naming what was too deep to be listed */
  throwIfTooDeep(): void {
    const unlisted = this.tooDeep.failure();
    if (unlisted !== undefined) throw unlisted;
  }

  [Symbol.dispose](): void {
    this.#progress[Symbol.dispose]();
  }
}
