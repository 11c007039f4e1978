/** All files of a configuration, from a profile and what its disk tells. */
import type { Profile } from "../profile.ts";
import { btrfsName, type DiskFacts } from "./disk-names.ts";
import type { ConfigFile } from "./files.ts";
import { channelFiles, flakeFiles } from "./full.ts";
import { MODULE_FILE, moduleText } from "./module.ts";
import { runningTexts } from "./running.ts";
import { stage1Files } from "./stage1.ts";

export interface RenderOptions {
  /** Beside the module also what imports it, as a flake or without one. */
  readonly full: "flake" | "channels" | undefined;
  /** The profile's file beside the module, where the executable goes along. */
  readonly binaryWith: string | undefined;
}

/** The module first. @throws Refusal where a part of the profile can't be rendered */
export function renderConfiguration(
  profile: Profile,
  facts: DiskFacts,
  { full, binaryWith }: RenderOptions,
): ConfigFile[] {
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

/** What a reader should know of how the disk is named, a line each. */
export function remarksOf(profile: Profile, facts: DiskFacts): string[] {
  const { remark } = btrfsName(profile, facts);
  return remark === undefined ? [] : [remark];
}
