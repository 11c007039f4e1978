/** All files of a configuration, from a profile and what its disk tells. */
import type { Profile } from "../profile.ts";
import type { BinaryProfile } from "./binary.ts";
import {
  btrfsName,
  type DiskFacts,
  espName,
  luksName,
  refuseUnsteadySwap,
  swapName,
} from "./disk-names.ts";
import type { ConfigFile } from "./files.ts";
import { channelFiles, flakeFiles } from "./full.ts";
import { MODULE_FILE, moduleText } from "./module.ts";
import { runningTexts } from "./running.ts";
import { stage1Files } from "./stage1.ts";

export interface RenderOptions {
  /** Beside the module also what imports it, as a flake or without one. */
  readonly full: "flake" | "channels" | undefined;
  /** The profile that goes along with the executable, where that does. */
  readonly binaryWith: BinaryProfile | undefined;
}

/** The module first. @throws Refusal where a part of the profile can't be rendered */
export function renderConfiguration(
  profile: Profile,
  facts: DiskFacts,
  { full, binaryWith }: RenderOptions,
): ConfigFile[] {
  refuseUnsteadySwap(profile, facts);
  const { path: device } = btrfsName(profile, facts);
  const running = runningTexts(profile, device);
  const files = [
    { name: MODULE_FILE, text: moduleText(profile, facts, { running, binaryWith }) },
    ...stage1Files(profile, device),
    ...running.map(({ fileName: name, text }) => ({ name, text })),
  ];
  if (full === "flake") return [...files, ...flakeFiles(profile)];
  return full === "channels" ? [...files, ...channelFiles(profile)] : files;
}

/** Names that are not UUIDs for want of the disk, a line each. */
export function remarksOf(profile: Profile, facts: DiskFacts): string[] {
  const { encryption, swap } = profile.disk;
  const names = [
    btrfsName(profile, facts),
    ...(encryption === undefined ? [] : [luksName(profile, facts)]),
    espName(profile, facts),
    ...(swap?.kind === "partition" ? [swapName(profile, facts)] : []),
  ];
  return names.flatMap(({ path, remark }) => (remark === undefined ? [] : `${path}: ${remark}`));
}
