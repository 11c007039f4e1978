/** Finds the block devices of the profile's btrfs and ESP. */
import { realpathSync } from "node:fs";
import type { Partition } from "../../facts.ts";
import { Refusal } from "../../fault.ts";
import { btrfsPartition, espPartition, refuseHibernated } from "../../filesystem.ts";
import type { Profile } from "../../profile.ts";
import { visible } from "../../text.ts";
import { blockDeviceAt } from "./block-device.ts";
import { probeContents, probeSignature } from "./contents.ts";
import { nodeOf, sysfsPartitions } from "./partition-node.ts";
import { diskOfPartition, isPartition } from "./sysfs.ts";

/**
 * The node of the btrfs that the profile means: btrfs.device, else the partition
 * of disk.device with the label disk.label.
 *
 * @throws Refusal where there is none, more than one, or a hibernated system on the disk
 */
export async function findFilesystem(profile: Profile): Promise<string> {
  if (profile.btrfs.device !== undefined) return namedFilesystem(profile.btrfs.device);
  const { device, encryption, label } = profile.disk;
  if (encryption !== undefined) {
    throw new Refusal(
      `Cannot find the file system on ${device}: disk.encryption can't be opened yet`,
      {
        hint: `Open it with cryptsetup and name /dev/mapper/${encryption.mapper} as btrfs.device`,
      },
    );
  }
  const disk = blockDeviceAt(device);
  const contents = await probeContents(nodeOf(`/sys/class/block/${disk}`));
  refuseHibernated(device, contents);
  return nodeOfPartition(device, disk, btrfsPartition(device, contents, label));
}

/** The node of the ESP on disk.device. @throws Refusal where there is none or more than one */
export async function findEsp(profile: Profile): Promise<string> {
  const { device } = profile.disk;
  const disk = blockDeviceAt(device);
  const contents = await probeContents(nodeOf(`/sys/class/block/${disk}`));
  return nodeOfPartition(device, disk, espPartition(device, contents));
}

async function namedFilesystem(device: string): Promise<string> {
  const kernelName = blockDeviceAt(device);
  const node = realpathSync(device);
  const signature = await probeSignature(node);
  if (signature?.type !== "btrfs") {
    throw new Refusal(
      `Cannot use ${visible(device)} (btrfs.device): it holds ${signature?.type ?? "no known signature"}, expected btrfs`,
    );
  }
  if (isPartition(kernelName)) {
    const disk = diskOfPartition(kernelName);
    refuseHibernated(`/dev/${disk}`, await probeContents(nodeOf(`/sys/class/block/${disk}`)));
  }
  return node;
}

function nodeOfPartition(device: string, disk: string, wanted: Partition): string {
  const shown = sysfsPartitions(disk).find(
    ({ number, startBytes, sizeBytes }) =>
      number === wanted.number &&
      startBytes === wanted.startBytes &&
      sizeBytes === wanted.sizeBytes,
  );
  if (shown !== undefined) return shown.node;
  throw new Refusal(
    `Cannot use partition ${wanted.number} of ${visible(device)}: the kernel doesn't show it as the table has it`,
    { hint: `partx --update ${device} tells the kernel` },
  );
}
