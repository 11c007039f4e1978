/** Ways to strike at every call of a rollback in turn; see rollback.ts beside this. */
import type { Machine } from "./rollback.ts";
import type { ShellName, Strike } from "./rollback-programs.ts";

/** More than any run makes: a loop that reaches it has lost count. */
const CALLS_MAX = 60;

/** Strikes at each call of a run that starts on `image`; `inspect` looks at what is left. */
export function strikeEach(
  machine: Machine,
  shell: ShellName,
  strike: Strike,
  inspect: (at: number, call: string, status: number | undefined) => void,
  image = machine.pristine,
): number {
  for (let at = 1; at < CALLS_MAX; at++) {
    machine.insert(image);
    const { calls, status } = machine.run({ shell, at, strike });
    if (calls.length < at) return at - 1;
    inspect(at, calls[at - 1]!, status);
  }
  throw new Error(`more than ${CALLS_MAX} calls`);
}

/** Loses power at each call, runs again, and lists what is wrong then. */
export function losePowerAtEach(
  machine: Machine,
  shell: ShellName,
  strike: Strike,
  image?: string,
): { count: number; faults: string[]; outcomes: Set<string> } {
  const faults: string[] = [];
  const outcomes = new Set<string>();
  const inspect = (at: number, call: string) => {
    machine.losePower();
    const { status, result, stderr } = machine.run({ shell });
    outcomes.add(result.outcome ?? "none");
    if (status !== 0) faults.push(`${strike} ${at} (${call}): status ${status}: ${stderr}`);
    for (const fault of machine.faults()) faults.push(`${strike} ${at} (${call}): ${fault}`);
  };
  const count = strikeEach(machine, shell, strike, inspect, image);
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
