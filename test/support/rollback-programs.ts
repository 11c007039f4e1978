/**
 * The shells that run the rollback, and its programs behind wrappers that count
 * calls and strike at one of them.
 */
import { chmodSync, existsSync, mkdirSync, writeFileSync } from "node:fs";
import { ROLLBACK_PROGRAMS } from "../../lib/boot/rollback.ts";
import type { Scratch } from "./disk.ts";

/** bash and ash are what stage 1 has; dash is sh on the machines we test on. */
export const SHELLS = {
  bash: ["bash", "-e"],
  "bash -u": ["bash", "-eu"],
  ash: ["busybox", "ash", "-e"],
  dash: ["dash", "-e"],
} as const;
export type ShellName = keyof typeof SHELLS;

/**
 * What happens at a call: the run is killed before it, after it, or after it and
 * a commit; or interrupted by the keyboard; or the call fails as on a full disk,
 * before or after its work was done, or it does and all that follow it.
 */
export type Strike =
  | "kill-before"
  | "kill-after"
  | "kill-committed"
  | "interrupt"
  | "fail"
  | "fail-late"
  | "fail-onward";

/** A folder with one wrapper a program; for ash they lead to busybox's own, as in its initrd. */
export function wrappersIn(scratch: Scratch, shell: ShellName): string {
  const bin = scratch.path(`bin-${shell.split(" ")[0]}`);
  if (existsSync(bin)) return bin;
  mkdirSync(bin);
  for (const name of ROLLBACK_PROGRAMS) {
    const real = shell === "ash" && name !== "btrfs" ? `/bin/busybox ${name}` : Bun.which(name);
    writeFileSync(`${bin}/${name}`, wrapper(name, real!));
    chmodSync(`${bin}/${name}`, 0o755);
  }
  return bin;
}

function wrapper(name: string, real: string): string {
  return `#!/bin/sh
read -r count <"$COUNT"
count=$((count + 1))
echo "$count" >"$COUNT"
printf '%s\\n' "${name} $*" >>"$LOG"
full() {
  echo "${name}: No space left on device" >&2
  exit 1
}
[ "$STRIKE" != fail-onward ] || [ "$count" -lt "$AT" ] || full
[ "$count" = "$AT" ] || exec ${real} "$@"
trap '' INT
case $STRIKE in
  kill-before) kill -9 0 ;;
  fail) full ;;
esac
${real} "$@" >/dev/null 2>&1
[ "$STRIKE" != fail-late ] || full
[ "$STRIKE" != interrupt ] || { kill -INT 0; exit 0; }
[ "$STRIKE" != kill-committed ] || ${Bun.which("btrfs")} filesystem sync "$TOP" >/dev/null 2>&1
kill -9 0
`;
}
