/**
 * How far a long run is, on stderr and only for a terminal.
 *
 * Nothing is shown in the first second, for most runs are over by then, and the
 * line is wiped before anything else is said.
 */
import { writeSync } from "node:fs";
import { isatty } from "./tty.ts";

const STDERR = 2;
const FIRST_AFTER_MS = 1000;
const AGAIN_AFTER_MS = 200;
/** The clock is looked at once in so many steps. */
const STEPS_BETWEEN_LOOKS = 256;
const WIPE_LINE = "\r\x1b[K";

export class Progress implements Disposable {
  readonly #what: string;
  readonly #isShown: boolean;
  #nextMs = performance.now() + FIRST_AFTER_MS;
  #steps = 0;
  #onScreen = false;

  /**
   * @param what stands behind the count: "paths compared"
   * @param wanted false where a person asked for silence, or data streams to the same terminal
   */
  constructor(what: string, wanted: boolean) {
    this.#what = what;
    this.#isShown = wanted && isatty(STDERR);
  }

  step(): void {
    this.#steps++;
    if (!this.#isShown || this.#steps % STEPS_BETWEEN_LOOKS !== 0) return;
    this.tell(() => `${this.#steps.toLocaleString("en")} ${this.#what}`);
  }

  /** Says something else than a count of steps; asked for the text when it is time. */
  tell(text: () => string): void {
    if (!this.#isShown) return;
    const now = performance.now();
    if (now < this.#nextMs) return;
    this.#nextMs = now + AGAIN_AFTER_MS;
    this.#onScreen = true;
    writeSync(STDERR, `${WIPE_LINE}${text()}`);
  }

  [Symbol.dispose](): void {
    if (this.#onScreen) writeSync(STDERR, WIPE_LINE);
    this.#onScreen = false;
  }
}
