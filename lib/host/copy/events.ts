/**
 * What is done, told as lines of JSON while it is done.
 *
 * Whoever reads may go away (`| head`). Then nothing more is told, but what is
 * being changed is not left half-done for that.
 */
import { ClosedPipe } from "../../fault.ts";
import { stdout } from "../output.ts";

export class Events implements Disposable {
  #isHeard: boolean;

  /** @param wanted false: nothing is told */
  constructor(wanted: boolean) {
    this.#isHeard = wanted;
  }

  /** @param line asked for only where somebody listens */
  tell(line: () => string): void {
    if (this.#isHeard) this.#whileHeard(() => stdout.line(line()));
  }

  /** What was told before something failed is true, and read. */
  [Symbol.dispose](): void {
    if (this.#isHeard) this.#whileHeard(() => stdout.flush());
  }

  #whileHeard(write: () => void): void {
    try {
      write();
    } catch (error) {
      if (!(error instanceof ClosedPipe)) throw error;
      this.#isHeard = false;
    }
  }
}
