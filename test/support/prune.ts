/**
 * Ways to run the pruning: on a machine's disk with a clock that the test sets, and on
 * directories that only play subvolumes, for its choice alone.
 */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { pruneScript } from "../../lib/boot/prune.ts";
import type { KeepRule } from "../../lib/old-roots.ts";
import type { Scratch } from "./disk.ts";
import type { Attempt, Ended, Machine } from "./rollback.ts";
import { SHELLS, type ShellName } from "./rollback-programs.ts";

export interface Pruning extends Omit<Attempt, "script"> {
  readonly keep: KeepRule;
  /** What the clock shows; the real one's time unless given. */
  readonly now?: Date | undefined;
  /** Whether timesyncd has set the clock; yes unless given. */
  readonly synchronised?: boolean;
  /** Text ahead of the script's. */
  readonly ahead?: string;
}

/** Prunes on the disk in the machine. */
export function prune(machine: Machine, { keep, now, ahead = "", ...attempt }: Pruning): Ended {
  const script = ahead + clock(now) + pruneScript(pruneParametersOf(machine, keep, attempt));
  return machine.run({ ...attempt, script });
}

function pruneParametersOf(
  machine: Machine,
  keep: KeepRule,
  { synchronised = true }: Pick<Pruning, "synchronised">,
) {
  const sign = machine.scratch.path("synchronised");
  if (synchronised) writeFileSync(sign, "");
  else rmSync(sign, { force: true });
  const { device, top } = machine;
  return { device, oldRoots: machine.names.oldRoots, keep, top, synchronised: sign };
}

/** A function of the shell goes before a program. */
function clock(now: Date | undefined): string {
  return now === undefined ? "" : `date() { echo ${Math.floor(now.getTime() / 1000)}; }\n`;
}

/** Directories play subvolumes, whose ids are their names; nothing is mounted. */
const PLAYED = `mount() { :; }
rmdir() { :; }
btrfs() {
  case $2 in
    list) ;;
    subvolid-resolve) printf 'old_roots/%s\\n' "$3" ;;
    delete) command rmdir "$blankroot_top/old_roots/$4" ;;
    show)
      case $3 in
        */old_roots) return 1 ;;
        *) played=\${3##*/} ;;
      esac
      printf 'old_roots/%s\\n\\tSubvolume ID:\\t%s\\n\\tParent ID:\\t5\\n' "$played" "$played"
      ;;
  esac
}
`;

/** The names that the script would prune, in its order. */
export function chosen(
  scratch: Scratch,
  names: readonly string[],
  keep: KeepRule,
  now: Date,
  shell: ShellName,
): string[] {
  const top = scratch.mkdir("played");
  for (const name of names) mkdirSync(`${top}/old_roots/${name}`, { recursive: true });
  const parameters = { device: "/dev/none", oldRoots: "old_roots", keep, top, synchronised: "/" };
  const script = PLAYED + clock(now) + pruneScript(parameters);
  const child = Bun.spawnSync([...SHELLS[shell], "-c", script], { stderr: "pipe" });
  const said = child.stderr.toString();
  const deleted = Array.from(
    said.matchAll(/^prune: deleted old_roots\/(.*)$/gm),
    ([, name]) => name!,
  );
  const left = names.filter((name) => !existsSync(`${top}/old_roots/${name}`));
  rmSync(top, { recursive: true });
  if (left.sort().join() !== [...deleted].sort().join()) throw new Error(said);
  return deleted;
}
