/**
 * Whether a name that stage 1 has for a device is the profile's file system.
 *
 * A UUID is compared as text, for links of udev need not be here; any other name counts
 * for what it leads to. One that leads nowhere here, such as a mapping that is not open,
 * says nothing: it is not called wrong.
 */
import { latin1OfText } from "../latin1.ts";
import type { Profile } from "../profile.ts";
import { shellQuote } from "../text.ts";
import type { FilesystemFacts, FstabEntry, SystemFacts } from "./facts.ts";

const BY_UUID = "/dev/disk/by-uuid/";
/** Tags of fstab(5), and where udev has their links. */
const TAG = /^(UUID|LABEL|PARTUUID|PARTLABEL)="?([^"]*)"?$/;

/** @param name its bytes as latin1 @returns undefined where it can't be told */
export function isFilesystem(
  name: string,
  filesystem: FilesystemFacts | undefined,
): boolean | undefined {
  if (filesystem === undefined) return undefined;
  const path = pathOf(name);
  if (path === `${BY_UUID}${filesystem.uuid}`) return true;
  return filesystem.leadsTo.get(path) ?? (path.startsWith(BY_UUID) ? false : undefined);
}

/** The paths below /dev that systems have for devices, to be followed: bytes as latin1. */
export function devicePaths(systems: readonly SystemFacts[]): string[] {
  const names = systems.flatMap(({ initrd, fstab }) => {
    const rollbacks = "unreadable" in initrd ? undefined : rollbackDevice(initrd.parameters);
    const mounted = fstab.map(({ device }) => latin1OfText(device));
    return rollbacks === undefined ? mounted : [rollbacks, ...mounted];
  });
  return [...new Set(names.map(pathOf))].filter((path) => path.startsWith("/dev/"));
}

/** The device that a rollback is for, its bytes as latin1; undefined where it is no plain word. */
export function rollbackDevice(
  parameters: ReadonlyMap<string, string> | undefined,
): string | undefined {
  const quoted = parameters?.get("device");
  return quoted === undefined ? undefined : unquoted(quoted);
}

/** The subvolume that a mount names, from the top of the file system; undefined for none. */
export function subvolumeOf({ options }: FstabEntry): string | undefined {
  const option = options.findLast((each) => each.startsWith("subvol="));
  return option?.slice("subvol=".length).replace(/^\/+/, "");
}

/** The subvolume that the profile has at a mount point. */
export function subvolumeAt({ btrfs }: Profile, mountPoint: string): string | undefined {
  if (mountPoint === "/") return btrfs.root;
  return Object.entries(btrfs.subvolumes).find(([, { mount }]) => mount === mountPoint)?.[0];
}

function pathOf(name: string): string {
  const [, tag, value] = TAG.exec(name) ?? [];
  return tag === undefined ? name : `/dev/disk/by-${tag.toLowerCase()}/${value}`;
}

/** The word that `shellQuote()` made this of. */
function unquoted(quoted: string): string | undefined {
  const word = quoted.startsWith("'") ? quoted.slice(1, -1).replaceAll(`'\\''`, "'") : quoted;
  return shellQuote(word) === quoted ? word : undefined;
}
