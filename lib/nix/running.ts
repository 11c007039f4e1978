/**
 * What runs on the booted system: a text in a file of its own, and the unit that runs
 * it, by a timer where there is one.
 */
import { checkScript, checkUnit } from "../boot/check.ts";
import { loginScript, loginTimer, loginUnit } from "../boot/login.ts";
import { pruneParameters, pruneScript, pruneTimer, pruneUnit } from "../boot/prune.ts";
import type { ServiceUnit, TimerUnit } from "../boot/unit.ts";
import type { Profile } from "../profile.ts";
import { textOf } from "./stage1.ts";
import { type Attribute, attribute, Expression, NixSet } from "./text.ts";
import { serviceAttributes, timerAttributes } from "./unit.ts";

export interface RunningText {
  /** Beside the module, such as "prune.sh". */
  readonly fileName: string;
  readonly text: string;
  readonly unit: ServiceUnit;
  /** Packages of nixpkgs with its programs; those of coreutils and systemd every unit has. */
  readonly packages: readonly string[];
  readonly timer?: TimerUnit;
}

/** @param device what the file system is called, as everything else names it */
export function runningTexts(profile: Profile, device: string): RunningText[] {
  return [
    { fileName: "check.sh", text: checkScript(), unit: checkUnit(), packages: [] },
    {
      fileName: "prune.sh",
      text: pruneScript(pruneParameters(profile, device)),
      unit: pruneUnit(),
      packages: ["btrfs-progs", "util-linux"],
      timer: pruneTimer(),
    },
    ...(profile.rollback.login ? [loginText()] : []),
  ];
}

/** It finds the executable and the profile where --with-binary has them put, or says that it doesn't. */
function loginText(): RunningText {
  return {
    fileName: "login.sh",
    text: loginScript(),
    unit: loginUnit(),
    packages: [],
    timer: loginTimer(),
  };
}

export function runningAttributes(texts: readonly RunningText[]): Attribute[] {
  return texts.flatMap(({ fileName, packages, timer, unit }) => {
    const paths = packages.map((name) => new Expression(`pkgs.${name}`));
    const service = {
      path: ["systemd", "services", unit.name],
      value: new NixSet([
        ...serviceAttributes(unit, textOf(fileName)),
        ...(paths.length === 0 ? [] : [attribute("path", paths)]),
      ]),
    };
    if (timer === undefined) return [service];
    const timed = {
      path: ["systemd", "timers", timer.name],
      value: new NixSet(timerAttributes(timer)),
    };
    return [service, timed];
  });
}
