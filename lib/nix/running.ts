/**
 * What runs on the booted system: a text in a file of its own, and the unit that runs
 * it, by a timer where there is one.
 */
import type { ServiceUnit } from "../boot/unit.ts";
import type { Profile } from "../profile.ts";
import { textOf } from "./stage1.ts";
import { type Attribute, attribute, Expression, NixSet } from "./text.ts";
import { serviceAttributes, type Timer, timerAttributes } from "./unit.ts";

export interface RunningText {
  /** Beside the module, such as "prune.sh". */
  readonly fileName: string;
  readonly text: string;
  readonly unit: ServiceUnit;
  readonly timer?: Timer;
}

type MakeText = (profile: Profile, device: string) => RunningText;

/** Those there are; each text names the file system as everything else does. */
const RUNNING: readonly MakeText[] = [];

export function runningTexts(profile: Profile, device: string): RunningText[] {
  return RUNNING.map((make) => make(profile, device));
}

/** The programs are those of btrfs-progs and util-linux; coreutils every unit has. */
export function runningAttributes(texts: readonly RunningText[]): Attribute[] {
  return texts.flatMap(({ fileName, unit, timer }) => {
    const path = attribute("path", [
      new Expression("pkgs.btrfs-progs"),
      new Expression("pkgs.util-linux"),
    ]);
    const service = {
      path: ["systemd", "services", unit.name],
      value: new NixSet([path, ...serviceAttributes(unit, textOf(fileName))]),
    };
    if (timer === undefined) return [service];
    const timed = {
      path: ["systemd", "timers", unit.name],
      value: new NixSet(timerAttributes(timer)),
    };
    return [service, timed];
  });
}
