/**
 * What runs in stage 1, in either kind of it: the rollback and, where the module that
 * keeps state can't do it, the machine id. The kind is set and not left to the release:
 * in the other one, what is written here would be left out without a word.
 */
import { machineIdScript, machineIdUnit } from "../boot/machine-id.ts";
import { rollbackParameters } from "../boot/rollback.ts";
import {
  KEEP_PARAMETER,
  RESUMED,
  rollbackUnit,
  scriptedHook,
  stage1Script,
} from "../boot/stage1.ts";
import type { ServiceUnit } from "../boot/unit.ts";
import { Refusal } from "../fault.ts";
import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { visible } from "../text.ts";
import type { ConfigFile } from "./files.ts";
import { onOwnDisks } from "./own-disks.ts";
import { placesMachineId } from "./persistence.ts";
import {
  Application,
  type Attribute,
  attribute,
  Expression,
  IndentedString,
  NixSet,
} from "./text.ts";
import { serviceAttributes } from "./unit.ts";

const ROLLBACK_FILE = "rollback.sh";
const MACHINE_ID_FILE = "machine-id.sh";
/** Where either kind of stage 1 mounts the new root. */
const SYSROOTS = { systemd: "/sysroot", scripted: "/mnt-root" } as const;
/** No value of a profile holds it. */
const PLACEHOLDER = "\0";

/** @throws Refusal where stage 1 would change the text */
export function stage1Files(profile: Profile, device: string): ConfigFile[] {
  const { stage1 } = profile.rollback;
  const files: ConfigFile[] = [{ name: ROLLBACK_FILE, text: rollbackText(profile, device) }];
  if (placesMachineId(profile)) {
    const parameters = { sysroot: SYSROOTS[stage1], persist: profile.persist.root };
    files.push({ name: MACHINE_ID_FILE, text: machineIdScript(parameters) });
  }
  if (stage1 === "scripted") {
    const hook = scriptedHook(device, "", profile.rollback.on_failure);
    for (const text of [hook, ...files.map((file) => file.text)]) refuseSubstituted(text);
  }
  return files;
}

/** What stage 1 runs, and what is shown of it. */
export function rollbackText(profile: Profile, device: string): string {
  return stage1Script(rollbackParameters(profile, device));
}

export function stage1Attributes(profile: Profile, device: string): Attribute[] {
  const { stage1, on_failure: onFailure } = profile.rollback;
  const common = attribute(
    "boot.initrd.supportedFilesystems.btrfs",
    true,
    "Its program runs the rollback.",
  );
  if (stage1 === "scripted") {
    return [
      attribute("boot.initrd.systemd.enable", false),
      common,
      ...onOwnDisks(hooks(profile, device)),
    ];
  }
  const units = [service(rollbackUnit(device, onFailure), ROLLBACK_FILE)];
  if (profile.persist.module === "impermanence") units.push(afterResume());
  if (placesMachineId(profile)) {
    units.push(service(machineIdUnit(mountOf(profile.persist.root, profile)), MACHINE_ID_FILE));
  }
  return [attribute("boot.initrd.systemd.enable", true), common, ...onOwnDisks(units)];
}

/** impermanence mounts what it keeps in for a moment, and says only that this is before /. */
function afterResume(): Attribute {
  return attribute(
    "boot.initrd.systemd.services.create-needed-for-boot-dirs.after",
    RESUMED,
    "Of impermanence, which mounts and writes to the file system: not before a hibernated\n" +
      "system has been resumed, which would go on with what it knew of it.",
  );
}

/** The way out: a boot that erases nothing. */
export function keepRootAttributes(): Attribute[] {
  return [
    attribute(
      "specialisation.keep-root.configuration.boot.kernelParams",
      [KEEP_PARAMETER],
      "The way out: an entry of the boot menu that keeps the root as it is, once.",
    ),
  ];
}

/** What gives the text of a file beside the module. */
export function textOf(file: string): Expression {
  return new Expression(`builtins.readFile ./${file}`);
}

function service(unit: ServiceUnit, file: string): Attribute {
  return {
    path: ["boot", "initrd", "systemd", "services", unit.name],
    value: new NixSet(serviceAttributes(unit, textOf(file))),
  };
}

function hooks(profile: Profile, device: string): Attribute[] {
  const [before = "", after = ""] = scriptedHook(
    device,
    PLACEHOLDER,
    profile.rollback.on_failure,
  ).split(PLACEHOLDER);
  const rollback = attribute(
    "boot.initrd.postResumeCommands",
    new IndentedString([before, textOf(ROLLBACK_FILE), after]),
    "Not postDeviceCommands: they run before a hibernated system is resumed, which would\n" +
      "go on with a root that was taken away.",
  );
  if (!placesMachineId(profile)) return [rollback];
  const machineId = new Application("builtins.readFile", new Expression(`./${MACHINE_ID_FILE}`));
  return [rollback, attribute("boot.initrd.postMountCommands", machineId)];
}

/** The mount point of the surviving subvolume that a path lies on, which every checked profile has. */
function mountOf(path: string, { btrfs }: Profile): string {
  const holders = Object.values(btrfs.subvolumes)
    .map(({ mount }) => mount)
    .filter((mount) => isWithin(path, mount));
  return holders.reduce((longest, mount) => (mount.length > longest.length ? mount : longest));
}

/** Scripted stage 1 puts values in the place of such words, and is not built where it knows none. */
function refuseSubstituted(text: string): void {
  const word = /@[A-Za-z_][\w'-]*@/.exec(text)?.[0];
  if (word === undefined) return;
  throw new Refusal(
    `Cannot write the hook of a scripted stage 1: a name holds "${visible(word)}", which stage 1 would replace, expected no word between two @`,
    { hint: 'rollback.stage1 = "systemd" replaces nothing' },
  );
}
