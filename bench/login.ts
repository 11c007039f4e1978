/**
 * How long a login waits for its line, over the executable's start: where the line of the
 * last time is still true, and where a file was written since, so that it is counted anew.
 *
 * A program of its own, in a mount namespace that has the set at `/`, as the machine that
 * somebody logs in to: elsewhere the disk would have to be found first, by programs.
 */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import type { Scratch } from "../test/support/disk.ts";
import { writeProfile } from "../test/support/profile.ts";
import { exec } from "../tools/build/exec.ts";
import type { Built } from "./build.ts";
import { median, timeProgram } from "./measure.ts";
import type { Sets } from "./sets.ts";

const ROUNDS = 41;
/** What every system has on its root. */
const MOUNTED = ["dev", "proc", "sys"] as const;
const PROGRAM = "/run/program";
const PROFILE = "/run/host.toml";
/** On the root, below its top. */
const WRITTEN = "var/lib/service/0/written";

/** Medians over that of `--version`, alternating with it. */
export interface LoginTimes {
  readonly keptMs: number;
  readonly countedMs: number;
}

if (import.meta.main) {
  console.log(JSON.stringify(measure(process.argv[2]!)));
}

export function measureLogin(scratch: Scratch, { inPlace }: Built, { device }: Sets): LoginTimes {
  const profile = writeProfile(scratch, {
    device,
    names: { root: "server", blank: "empty" },
    btrfs: `device = ${JSON.stringify(device)}`,
    swap: "",
  });
  const root = scratch.mkdir("login");
  const script = [
    `mount -t btrfs -o subvol=server "$1" "$2"`,
    `mkdir -p ${[...MOUNTED, "run"].map((name) => `"$2/${name}"`).join(" ")}`,
    ...MOUNTED.map((name) => `mount --rbind "/${name}" "$2/${name}"`),
    `mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs "$2/run"`,
    `cp "$4" "$2${PROFILE}"; touch "$2${PROGRAM}"; mount --bind "$3" "$2${PROGRAM}"`,
    `exec "$5" "$6" "$2"`,
  ].join("\n");
  const words = [device, root, inPlace, profile, process.execPath, import.meta.path];
  return JSON.parse(exec(["unshare", "--mount", "sh", "-euc", script, "sh", ...words]));
}

function measure(root: string): LoginTimes {
  const start = ["chroot", root, PROGRAM];
  const login = [...start, "rollback-preview", "--login", "--profile", PROFILE];
  const write = () => writeFileSync(join(root, WRITTEN), String(Bun.nanoseconds()));
  const runs: { argv: string[]; before?: () => void }[] = [
    { argv: [...start, "--version"] },
    { argv: login },
    { argv: login, before: write },
  ];
  const times = runs.map((): number[] => []);
  // The first one leaves the line for the others.
  timeProgram(login);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { argv, before }] of runs.entries()) {
      before?.();
      times[index]!.push(timeProgram(argv));
    }
  }
  const [version = 0, kept = 0, counted = 0] = times.map((each) => median(each)!);
  return { keptMs: kept - version, countedMs: counted - version };
}
