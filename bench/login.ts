/**
 * How long a login would wait for its line, over the executable's start: where the line
 * of the last time is still true, and where it has to be counted.
 */

import type { Scratch } from "../test/support/disk.ts";
import { writeProfile } from "../test/support/profile.ts";
import type { Built } from "./build.ts";
import { median, timeProgram } from "./measure.ts";
import type { Sets } from "./sets.ts";

const ROUNDS = 41;

/** Medians over that of `--version`, alternating with it. */
export interface LoginTimes {
  readonly keptMs: number;
  readonly countedMs: number;
}

export function measureLogin(scratch: Scratch, { inPlace }: Built, { device }: Sets): LoginTimes {
  const profile = writeProfile(scratch, {
    device,
    names: { root: "server", blank: "empty" },
    btrfs: `device = ${JSON.stringify(device)}`,
    swap: "",
  });
  const login = [inPlace, "rollback-preview", "--login", "--profile", profile];
  const runs = [
    { argv: [inPlace, "--version"] },
    { argv: login },
    { argv: login, options: { env: { BLANKROOT_CACHE: "off" } } },
  ];
  const times = runs.map((): number[] => []);
  // The first one leaves the line for the others.
  timeProgram(login);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { argv, options }] of runs.entries()) {
      times[index]!.push(timeProgram(argv, options));
    }
  }
  const [start = 0, kept = 0, counted = 0] = times.map((each) => median(each)!);
  return { keptMs: kept - start, countedMs: counted - start };
}
