/**
 * Preloaded into a run of the command line: at one call of the C library something
 * happens, a kill or a shell command, as $STRIKE says. So a moment that a race
 * would meet once in a thousand runs is met each time.
 */
import { libc } from "../../lib/host/libc.ts";

export interface Strike {
  readonly call: keyof ReturnType<typeof libc>;
  /** Only calls with this second argument count: the request of an ioctl. */
  readonly request?: number;
  /** Which of its calls, from 1. */
  readonly nth: number | "each";
  readonly when: "before" | "after";
  /** What happens; a kill unless given. */
  readonly shell?: string;
}

function arm({ call, request, nth, when, shell }: Strike): void {
  const symbols = libc() as Record<string, (...words: unknown[]) => unknown>;
  const original = symbols[call]!;
  let count = 0;
  symbols[call] = (...words) => {
    const counts = request === undefined || words[1] === request;
    const isNow = counts && (nth === "each" || ++count === nth);
    if (isNow && when === "before") strike(shell);
    const result = original(...words);
    if (isNow && when === "after") strike(shell);
    return result;
  };
}

function strike(shell: string | undefined): void {
  if (shell === undefined) process.kill(process.pid, "SIGKILL");
  else if (!Bun.spawnSync(["sh", "-euc", shell]).success) throw new Error(`failed: ${shell}`);
}

const order = process.env.STRIKE;
if (order !== undefined) arm(JSON.parse(order) as Strike);
