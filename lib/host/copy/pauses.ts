/** Moments at which signals are heard, in work that waits for nothing by itself. */
import { throwIfInterrupted } from "../interruption.ts";

const BETWEEN_MS = 50;

export class Pauses {
  #nextMs = performance.now() + BETWEEN_MS;

  isDue(): boolean {
    return performance.now() >= this.#nextMs;
  }

  /** @throws Interruption */
  async pause(): Promise<void> {
    await Bun.sleep(0);
    throwIfInterrupted();
    this.#nextMs = performance.now() + BETWEEN_MS;
  }
}
