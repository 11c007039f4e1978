/**
 * stdout as data: buffered bytes, whole writes, a quiet end when nobody reads.
 *
 * Bun's own stream would buffer without bound before a slow reader, so we write
 * with write(2) and wait where the pipe is full. A closed pipe becomes
 * `ClosedPipe`, which the command line turns into a silent exit.
 */
import { writeSync } from "node:fs";
import { ClosedPipe, Failure } from "../fault.ts";
import { isatty } from "./tty.ts";

const BUFFER_SIZE_BYTES = 128 * 1024;
const FULL_PIPE_WAIT_MS = 2;
const NEWLINE = new Uint8Array([10]);

export class Output {
  readonly #fd: number;
  readonly #buffer = new Uint8Array(BUFFER_SIZE_BYTES);
  #used = 0;
  readonly #encoder = new TextEncoder();

  constructor(fd = 1) {
    this.#fd = fd;
  }

  get isTerminal(): boolean {
    return isatty(this.#fd);
  }

  /** Takes bytes or text; they are copied, so the caller may use its array again. */
  write(data: Uint8Array | string): void {
    const bytes = typeof data === "string" ? this.#encoder.encode(data) : data;
    if (bytes.length > BUFFER_SIZE_BYTES - this.#used) this.flush();
    if (bytes.length > BUFFER_SIZE_BYTES) {
      this.#writeAll(bytes);
      return;
    }
    this.#buffer.set(bytes, this.#used);
    this.#used += bytes.length;
  }

  line(data: Uint8Array | string): void {
    this.write(data);
    this.write(NEWLINE);
  }

  /** Writes a text to its end; that nobody reads on is no matter. */
  tell(text: string): void {
    try {
      this.write(text);
      this.flush();
    } catch (error) {
      if (!(error instanceof ClosedPipe)) throw error;
    }
  }

  /** @throws ClosedPipe when the reader is gone, Failure on any other error (a full disk) */
  flush(): void {
    const used = this.#used;
    this.#used = 0;
    this.#writeAll(this.#buffer.subarray(0, used));
  }

  #writeAll(bytes: Uint8Array): void {
    let done = 0;
    while (done < bytes.length) {
      try {
        done += writeSync(this.#fd, bytes, done);
      } catch (error) {
        const code = (error as NodeJS.ErrnoException).code;
        if (code === "EPIPE") throw new ClosedPipe();
        if (code !== "EAGAIN")
          throw new Failure(`Cannot write the output: ${code}`, { cause: error });
        Bun.sleepSync(FULL_PIPE_WAIT_MS);
      }
    }
  }
}

/** The process's stdout. */
export const stdout = new Output(1);
