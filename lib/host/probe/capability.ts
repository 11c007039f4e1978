/** Whether we may make mounts and read metadata: CAP_SYS_ADMIN, see capabilities(7). */
import { readFileSync } from "node:fs";

const CAP_SYS_ADMIN = 21n;

let known: boolean | undefined;

export function canAdminister(): boolean {
  known ??= read();
  return known;
}

function read(): boolean {
  const effective = /^CapEff:\t([0-9a-f]+)$/m.exec(readFileSync("/proc/self/status", "utf8"));
  return effective !== null && ((BigInt(`0x${effective[1]}`) >> CAP_SYS_ADMIN) & 1n) === 1n;
}
