/**
 * Programs of others: an argv array, the C locale, a time limit, no shell.
 *
 * A failure shows the command, its status and its stderr with control characters
 * escaped, for labels and names in it come from a disk.
 */
import { Failure, Refusal } from "../fault.ts";
import { shellQuote, visible } from "../text.ts";
import { startOf } from "./environment.ts";
import { endAtInterruption, throwIfInterrupted } from "./interruption.ts";

export interface RunOptions {
  readonly stdin?: string | Uint8Array;
  /** Descriptors the program inherits, from 3 on. */
  readonly inherit?: readonly number[];
  readonly timeoutMs?: number;
  /** Statuses that are no failure; 0 alone unless given. */
  readonly accept?: readonly number[];
}

export interface Finished {
  readonly status: number;
  readonly stdout: string;
  readonly stderr: string;
}

export const TIMEOUT_MS_DEFAULT = 10 * 60_000;

type Listener = (argv: readonly string[]) => void;
const listeners: Listener[] = [];

/** Tells every command before it runs (`--verbose`). */
export function listenToCommands(listener: Listener): void {
  listeners.push(listener);
}

/**
 * Runs a program to its end.
 *
 * @throws Refusal when the program is missing, Failure when its status is not
 *   accepted or its time is up, Interruption when a signal came meanwhile
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<Finished> {
  throwIfInterrupted();
  for (const listener of listeners) listener(argv);
  const child = start(argv, options);
  const timeoutMs = options.timeoutMs ?? TIMEOUT_MS_DEFAULT;
  const output = [collect(child.stdout), collect(child.stderr)] as const;
  using _ = endAtInterruption(child);
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    child.kill("SIGKILL");
    // What the program started may live on and keep the pipes open: they are let go of.
    for (const { end } of output) end();
  }, timeoutMs);
  const [out, err, status] = await Promise.all([output[0].text, output[1].text, child.exited]);
  clearTimeout(timer);
  throwIfInterrupted();
  if (isLate) {
    throw new Failure(`Cannot run ${describe(argv)}: killed, its limit is ${timeoutMs / 1000} s`);
  }
  if (child.signalCode !== null) {
    throw new Failure(`Cannot run ${describe(argv)}: ended by ${child.signalCode}, not by us`);
  }
  if (!(options.accept ?? [0]).includes(status)) {
    const said = visible(err.trim() || out.trim()).replaceAll("\\n", "\n  ");
    throw new Failure(
      `Cannot run ${describe(argv)}: exit status ${status}${said && `\n  ${said}`}`,
    );
  }
  return { status, stdout: out, stderr: err };
}

/** The programs of the list that are not on PATH. */
export function missingPrograms(names: readonly string[]): string[] {
  return [...new Set(names)].filter((name) => Bun.which(name) === null);
}

function start(argv: readonly string[], options: RunOptions) {
  const stdin = options.stdin === undefined ? "ignore" : new Blob([options.stdin as string]);
  const start = startOf(argv, [stdin, "pipe", "pipe", ...(options.inherit ?? [])]);
  if (start === undefined) throw new Refusal(`Cannot run ${argv[0]}: not found on PATH`);
  try {
    return Bun.spawn(start);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "E2BIG") throw error;
    throw new Failure(`Cannot run ${argv[0]}: its arguments are too long`, { cause: error });
  }
}

interface Collected {
  readonly text: Promise<string>;
  /** Waits no longer for what is still to come. */
  end(): void;
  /** Whether it was ended so, before its writers were done. */
  ended(): boolean;
}

function collect(stream: ReadableStream<Uint8Array>): Collected {
  const reader = stream.getReader();
  let isDone = false;
  let isEnded = false;
  return {
    text: readAll(reader).finally(() => {
      isDone = true;
    }),
    end: () => {
      isEnded = !isDone;
      void reader.cancel();
    },
    ended: () => isEnded,
  };
}

/** Of a stream's reader what is needed: Bun's own type and the web's differ in the rest. */
interface Chunks {
  read(): Promise<{ done: boolean; value?: Uint8Array | undefined }>;
}

async function readAll(chunks: Chunks): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for (;;) {
    const { done, value } = await chunks.read();
    if (done) return text + decoder.decode();
    text += decoder.decode(value, { stream: true });
  }
}

function describe(argv: readonly string[]): string {
  return visible(argv.map(shellQuote).join(" "));
}
