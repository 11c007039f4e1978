/** Ways to strike at every call of a rollback in turn; see rollback.ts beside this. */
import type { Machine } from "./rollback.ts";
import type { ShellName, Strike } from "./rollback-programs.ts";

/** More than any run makes: a loop that reaches it has lost count. */
const CALLS_MAX = 60;

export interface Series {
  readonly shell: ShellName;
  readonly strike: Strike;
  /** The disk that each run starts on; the pristine one unless given. */
  readonly image?: string;
  readonly keepOld?: boolean;
  /** The first call to strike at; 1 unless given. */
  readonly from?: number;
}

/** Strikes at each call in turn; `inspect` looks at what is left. Returns the number of calls. */
export function strikeEach(
  machine: Machine,
  { shell, strike, image = machine.pristine, keepOld = true, from = 1 }: Series,
  inspect: (at: number, call: string, status: number | undefined) => void,
): number {
  for (let at = from; at < CALLS_MAX; at++) {
    machine.insert(image);
    const { calls, status } = machine.run({ shell, at, strike, keepOld });
    if (calls.length < at) return at - 1;
    inspect(at, calls[at - 1]!, status);
  }
  throw new Error(`more than ${CALLS_MAX} calls`);
}

/** Loses power at each call, runs again, and lists what is wrong then. */
export function losePowerAtEach(
  machine: Machine,
  series: Series,
): { count: number; faults: string[]; outcomes: Set<string> } {
  const { shell, strike, keepOld = true } = series;
  const faults: string[] = [];
  const outcomes = new Set<string>();
  const count = strikeEach(machine, series, (at, call) => {
    machine.losePower();
    const { status, result, stderr } = machine.run({ shell, keepOld });
    outcomes.add(result.outcome ?? "none");
    if (status !== 0) faults.push(`${strike} ${at} (${call}): status ${status}: ${stderr}`);
    for (const fault of machine.faults(keepOld ? "kept" : "deleted"))
      faults.push(`${strike} ${at} (${call}): ${fault}`);
  });
  return { count, faults, outcomes };
}

/** Two images that power was lost on: with a root and its successor, and between the two moves. */
export function interrupted(machine: Machine): Array<[state: string, image: string]> {
  return (["btrfs subvolume snapshot", "mv -T"] as const).map((wanted) => {
    machine.insert();
    const at =
      machine.run({ shell: "bash" }).calls.findIndex((call) => call.startsWith(wanted)) + 1;
    machine.insert();
    machine.run({ shell: "bash", at, strike: "kill-committed" });
    machine.losePower();
    return [`killed after ${wanted}`, machine.keepImage(`after-${at}`)];
  });
}
