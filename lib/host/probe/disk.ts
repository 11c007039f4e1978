/**
 * Everything about the disk that the profile names: the facts of format-disk and
 * of whatever else must be sure which disk it has.
 */
import type { Contents, Disk, LabelBearer, Signature } from "../../facts.ts";
import { Refusal } from "../../fault.ts";
import type { Check } from "../../plan.ts";
import { visible } from "../../text.ts";
import { run } from "../spawn.ts";
import { blockDeviceAt } from "./block-device.ts";
import { BLKID_NOTHING, probeContents, probeSignature } from "./contents.ts";
import { type Identity, probeIdentity } from "./identity.ts";
import { nodeOf, sysfsPartitions } from "./partition-node.ts";
import { attribute, blockDevices, isPartition, sizeBytesOf, wholeDisks } from "./sysfs.ts";
import { probeUses } from "./uses.ts";

const LSBLK_FAILED = 1;

/** @throws Refusal when the path is no block device */
export async function probeDisk(device: string): Promise<Disk> {
  const kernelName = blockDeviceAt(device);
  const node = nodeOf(`/sys/class/block/${kernelName}`);
  const identity = probeIdentity(kernelName);
  const kind = kindOf(kernelName);
  await refuseOldLsblk(node);
  const contents = await probeContents(node);
  return {
    device,
    node,
    kernelName,
    kind,
    sizeBytes: sizeBytesOf(kernelName),
    sectorSizeBytes: Number(attribute(kernelName, "queue/logical_block_size") ?? 512),
    readOnly: attribute(kernelName, "ro") === "1",
    model: identity.model,
    serial: identity.serial,
    wwn: identity.wwn,
    token: identity.token,
    contents,
    uses: kind === "partition" ? [] : probeUses(kernelName),
    checks: await observeAll(identityChecks(device, node, kernelName, identity, contents)),
  };
}

/** The labels and UUIDs of all file systems of the machine but those on the disk itself. */
export async function probeLabelsElsewhere(disk: Disk): Promise<LabelBearer[]> {
  const bearers: LabelBearer[] = [];
  const own = new Set([
    disk.kernelName,
    ...sysfsPartitions(disk.kernelName).map((p) => p.kernelName),
  ]);
  for (const name of blockDevices().filter((candidate) => !own.has(candidate))) {
    const node = nodeOf(`/sys/class/block/${name}`);
    const signature = await probeSignature(node, "nothing");
    if (signature !== undefined) bearers.push({ ...named(signature), node });
  }
  for (const name of wholeDisks().filter((candidate) => !own.has(candidate))) {
    const node = nodeOf(`/sys/class/block/${name}`);
    for (const { number, signature } of (await probeContents(node, "nothing")).partitions) {
      if (signature === undefined) continue;
      bearers.push({ ...named(signature), node: `${node}, partition ${number}` });
    }
  }
  return bearers;
}

function named({ label, uuid }: Signature): Pick<LabelBearer, "label" | "uuid"> {
  return { label, uuid };
}

/**
 * Who bears these labels when the plan runs must be who bore them when it was made.
 * Asked of blkid without its cache and not of lsblk, which knows labels from udev alone.
 */
export async function probeLabelChecks(labels: readonly string[]): Promise<Check[]> {
  return observeAll(
    labels.map((label) => ({
      what: `the devices labelled "${label}"`,
      // The quotes are blkid's: without them a label that begins with one would lose it.
      argv: [
        "blkid",
        "--cache-file",
        "/dev/null",
        "--match-token",
        `LABEL="${label}"`,
        "--output",
        "device",
      ],
      accept: [0, BLKID_NOTHING],
    })),
  );
}

function kindOf(kernelName: string): Disk["kind"] {
  if (isPartition(kernelName)) return "partition";
  return /^(dm-|md|zram|ram|sr|nbd\d+p)/.test(kernelName) ? "mapped" : "disk";
}

/** What the printed script and --apply look at again: they must see what was seen now. */
function identityChecks(
  device: string,
  node: string,
  kernelName: string,
  identity: Identity,
  contents: Contents,
): Omit<Check, "expected">[] {
  const sysfs = `/sys/class/block/${kernelName}`;
  return [
    { what: `the disk that ${device} leads to`, argv: ["readlink", "--canonicalize", device] },
    { what: `the size of ${node} in bytes`, argv: ["blockdev", "--getsize64", node] },
    { what: `the sector size of ${node} in bytes`, argv: ["blockdev", "--getss", node] },
    { what: `the read-only flag of ${node}`, argv: ["blockdev", "--getro", node] },
    ...tellingChecks(node, sysfs, kernelName, identity),
    {
      what: `the devices on ${node}`,
      argv: ["lsblk", "--noheadings", "--list", "--output", "NAME,TYPE", node],
    },
    {
      what: `the mounts and swap on ${node}`,
      argv: listMountPoints(node),
    },
    { what: `the loop devices over ${node}`, argv: ["losetup", "--associated", node] },
    ...tableChecks(node, contents),
    ...[node, ...sysfsPartitions(kernelName).map((partition) => partition.node)].map((each) => ({
      what: `the signatures on ${each}`,
      argv: ["wipefs", "--no-act", "--parsable", each],
    })),
  ];
}

function listMountPoints(node: string): string[] {
  return ["lsblk", "--noheadings", "--raw", "--output", "MOUNTPOINTS", node];
}

/** MOUNTPOINTS shows all mounts of a device; the older MOUNTPOINT shows one of them. */
async function refuseOldLsblk(node: string): Promise<void> {
  const { status, stderr } = await run(listMountPoints(node), { accept: [0, LSBLK_FAILED] });
  if (status === 0) return;
  const reason = stderr.includes("unknown column")
    ? "has no column MOUNTPOINTS, expected util-linux 2.37 or newer"
    : `failed: ${visible(stderr.trim())}`;
  throw new Refusal(`Cannot see who uses ${node}: lsblk of this machine ${reason}`, {
    hint: "Nothing was touched",
  });
}

/** Where the partitions lie: what they hold is told by their own signatures. */
function tableChecks(node: string, { isReadable }: Contents): Omit<Check, "expected">[] {
  if (!isReadable) return [];
  return [{ what: `the partition table of ${node}`, argv: ["sfdisk", "--dump", node] }];
}

/** A loop device is its image; a disk without any serial is told by the kernel's count of attached disks. */
function tellingChecks(
  node: string,
  sysfs: string,
  kernelName: string,
  { toldBy }: Identity,
): Omit<Check, "expected">[] {
  if (attribute(kernelName, "loop/backing_file") !== undefined) {
    const columns = "BACK-INO,BACK-MAJ:MIN,OFFSET,SIZELIMIT";
    return [
      {
        what: `the image behind ${node} (inode, device, offset, limit)`,
        argv: ["losetup", "--noheadings", "--raw", "--output", columns, node],
      },
      // The number of an inode is given again to the next file.
      ...sequenceCheck(node, sysfs, kernelName),
    ];
  }
  // A page of bytes, of which sh would keep only some.
  if (toldBy?.endsWith("vpd_pg80"))
    return [{ what: `the serial of ${node}`, argv: ["od", "-An", "-tx1", `${sysfs}/${toldBy}`] }];
  if (toldBy !== undefined)
    return [{ what: `the serial of ${node}`, argv: ["cat", `${sysfs}/${toldBy}`] }];
  return sequenceCheck(node, sysfs, kernelName);
}

/** A number that no other disk has had since the machine started; kernels before 5.15 give none. */
function sequenceCheck(node: string, sysfs: string, kernelName: string): Omit<Check, "expected">[] {
  if (attribute(kernelName, "diskseq") === undefined) return [];
  return [
    {
      what: `the sequence number of ${node}`,
      argv: ["cat", `${sysfs}/diskseq`],
    },
  ];
}

async function observeAll(checks: readonly Omit<Check, "expected">[]): Promise<Check[]> {
  const observed: Check[] = [];
  for (const check of checks) {
    const accept = check.accept === undefined ? {} : { accept: check.accept };
    const { stdout } = await run(check.argv as string[], accept);
    observed.push({ ...check, expected: stdout.replace(/\n+$/, "") });
  }
  return observed;
}
