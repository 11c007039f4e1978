/** What an initramfs of either kind of stage 1 is made from. */
import { readFileSync, writeFileSync } from "node:fs";
import type { RollbackParameters } from "../../../lib/boot/rollback.ts";
import type { Profile } from "../../../lib/profile.ts";
import { cpioArchive, type Entry, withFolders } from "../cpio.ts";
import type { Scratch } from "../disk.ts";
import type { BootParts } from "./parts.ts";
import type { SmallSystem } from "./system.ts";

export interface Stage1Options {
  /** The device that all of stage 1 names: the small system's unless given. */
  readonly device?: string;
  readonly onFailure?: Profile["rollback"]["on_failure"];
  /** The script instead of ours. */
  readonly script?: (parameters: RollbackParameters) => string;
  /** More files; they lie over all others. */
  readonly files?: readonly Entry[];
}

/** Writes an initramfs, and returns its path. */
export type MakeInitrd<Options extends Stage1Options = Stage1Options> = (
  scratch: Scratch,
  name: string,
  parts: BootParts,
  system: SmallSystem,
  options?: Options,
) => string;

/** Subvolumes that stage 1 mounts beside the root, as neededForBoot has it. */
const EARLY = ["nix", "persist", "log"];

export interface EarlyMount {
  /** Below the root, which is "" itself. */
  readonly where: string;
  readonly options: readonly string[];
}

/** In the order in which they are mounted. */
export function earlyMounts({ btrfs }: Profile): EarlyMount[] {
  const options = (subvolume: string, own: readonly string[]) => [
    `subvol=${subvolume}`,
    ...btrfs.mount_options,
    ...own,
  ];
  const early = EARLY.map((name) => [name, btrfs.subvolumes[name]!] as const);
  return [
    { where: "", options: options(btrfs.root, []) },
    ...early.map(([name, subvolume]) => ({
      where: subvolume.mount,
      options: options(name, subvolume.options),
    })),
  ];
}

/** Lays files over the common initramfs. */
export function writeInitrd(
  scratch: Scratch,
  name: string,
  { initrd }: BootParts,
  entries: readonly Entry[],
): string {
  const file = scratch.path(name);
  writeFileSync(file, Buffer.concat([readFileSync(initrd), cpioArchive(withFolders(entries))]));
  return file;
}
