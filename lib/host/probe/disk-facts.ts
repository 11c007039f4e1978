/**
 * The UUIDs of the profile's disk, for a configuration: where it is here, and is the
 * one that is meant. Another machine's disk may have the same name: nothing is taken
 * from one that doesn't bear the profile's labels.
 */
import { existsSync } from "node:fs";
import type { Contents, Partition } from "../../facts.ts";
import { Refusal } from "../../fault.ts";
import { ESP_TYPE } from "../../filesystem.ts";
import { type DiskFacts, NO_DISK, type SwapFacts } from "../../nix/disk-names.ts";
import { labelsOf } from "../../plans/labels.ts";
import type { Profile } from "../../profile.ts";
import { hasSwapFile, SWAP_FILE, SWAP_SUBVOLUME } from "../../swap-file.ts";
import { mountDetached } from "../detached.ts";
import { run } from "../spawn.ts";
import { blockDeviceAt } from "./block-device.ts";
import { probeContents, probeSignature } from "./contents.ts";
import { findFilesystem } from "./filesystem.ts";
import { nodeOf } from "./partition-node.ts";

/** Of the Discoverable Partitions Specification. */
const SWAP_TYPE = "0657FD6D-A4AB-43C4-84E5-0933C84B4F4F";
/** Below the top of the file system. */
const SWAP_PATH = `${SWAP_SUBVOLUME}/${SWAP_FILE}`;

/** @throws Refusal where the disk can't be read */
export async function probeDiskFacts(profile: Profile): Promise<DiskFacts> {
  const { device } = profile.disk;
  if (!existsSync(device)) return NO_DISK;
  const node = nodeOf(`/sys/class/block/${blockDeviceAt(device)}`);
  const contents = await probeContents(node);
  if (!(await isProfiles(profile, contents))) return NO_DISK;
  return {
    btrfs: uuidOf(only(contents, (part) => isBtrfs(part, profile))),
    luks: uuidOf(only(contents, ({ signature }) => signature?.type === "crypto_LUKS")),
    esp: uuidOf(only(contents, isEsp)),
    swap: await swapFacts(node, contents),
    resumeOffset: await resumeOffset(profile),
  };
}

/** The same; a disk that can't be read is as one that isn't here. @param tell why it can't */
export async function diskFactsIfReadable(
  profile: Profile,
  tell: (why: string) => void,
): Promise<DiskFacts> {
  try {
    return await probeDiskFacts(profile);
  } catch (error) {
    if (!(error instanceof Refusal)) throw error;
    tell(error.message);
    return NO_DISK;
  }
}

/** Whether the labels on the disk are the profile's; of a file system not of our making, that it is there. */
async function isProfiles(profile: Profile, contents: Contents): Promise<boolean> {
  const { btrfs, disk } = profile;
  if (btrfs.device !== undefined) {
    if (!existsSync(btrfs.device)) return false;
    return (await probeSignature(btrfs.device))?.type === "btrfs";
  }
  const { esp } = labelsOf(profile);
  if (disk.encryption === undefined)
    return contents.partitions.some((part) => isBtrfs(part, profile));
  return contents.partitions.some((part) => isEsp(part) && part.signature?.label === esp);
}

function isBtrfs({ signature }: Partition, { disk }: Profile): boolean {
  return signature?.type === "btrfs" && signature.label === disk.label;
}

function isEsp({ type, signature }: Partition): boolean {
  return type.toUpperCase() === ESP_TYPE && signature?.type === "vfat";
}

async function swapFacts(node: string, contents: Contents): Promise<SwapFacts | undefined> {
  const partition = only(contents, ({ type }) => type.toUpperCase() === SWAP_TYPE);
  if (partition === undefined) return undefined;
  const { stdout } = await run(["sfdisk", "--part-uuid", node, String(partition.number)]);
  // udev writes it so.
  return { partition: stdout.trim().toLowerCase(), area: uuidOf(partition) };
}

/** Undefined where there is no swap file yet. */
async function resumeOffset(profile: Profile): Promise<number | undefined> {
  if (!hasSwapFile(profile) || isClosed(profile)) return undefined;
  using top = mountDetached(await findFilesystem(profile), "/", "read-only");
  if (!existsSync(`/proc/self/fd/${top.fd}/${SWAP_PATH}`)) return undefined;
  const argv = ["btrfs", "inspect-internal", "map-swapfile", "-r", `/proc/self/fd/3/${SWAP_PATH}`];
  const { stdout } = await run(argv, { inherit: [top.fd] });
  return Number.parseInt(stdout, 10);
}

/** Encrypted, and not opened under a name that is known. */
function isClosed({ btrfs, disk }: Profile): boolean {
  return disk.encryption !== undefined && btrfs.device === undefined;
}

/** The one that is so; undefined where there is none or more than one. */
function only(
  { partitions }: Contents,
  isWanted: (partition: Partition) => boolean,
): Partition | undefined {
  const found = partitions.filter(isWanted);
  return found.length === 1 ? found[0] : undefined;
}

function uuidOf(partition: Partition | undefined): string | undefined {
  return partition?.signature?.uuid;
}
