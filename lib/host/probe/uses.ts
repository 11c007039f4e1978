/**
 * Who has hold of a disk: mounts, swap, device mapper, md, other loop devices,
 * and whatever else has claimed it from the kernel.
 *
 * The disk is followed upwards, through its partitions and their holders, so
 * that a root on LUKS is known for the running system. Last the kernel itself is
 * asked, by opening with O_EXCL: it knows of mounts in other namespaces too.
 */
import { closeSync, constants, openSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { Use } from "../../facts.ts";
import { blockNameOf, btrfsMembers, sourceName } from "./btrfs-members.ts";
import { probeMounts } from "./mounts.ts";
import { nodeOf, sysfsPartitions } from "./partition-node.ts";
import { attribute, linksIn } from "./sysfs.ts";

const RUNNING_SYSTEM = new Set(["/", "/nix", "/nix/store", "/usr", "/boot"]);
/** Where live systems mount what they were started from: NixOS, dracut, live-boot, archiso. */
const INSTALLER_MEDIUM = new Set([
  "/iso",
  "/run/initramfs/live",
  "/run/live/medium",
  "/run/archiso/bootmnt",
]);

export function probeUses(diskKernelName: string): Use[] {
  const family = familyOf(diskKernelName);
  const uses = [
    ...family.holders,
    ...family.names.flatMap((name) => [...mountsOf(name), ...swapsOf(name), ...loopsOver(name)]),
  ];
  return uses.length > 0 ? uses : claimedByKernel(diskKernelName);
}

interface Family {
  /** The disk, its partitions, and all that stands upon them. */
  readonly names: string[];
  readonly holders: Use[];
}

function familyOf(disk: string): Family {
  const names = [disk, ...sysfsPartitions(disk).map((partition) => partition.kernelName)];
  const holders: Use[] = [];
  for (const name of names) {
    for (const holder of linksIn(name, "holders")) {
      holders.push({
        node: nodeName(name),
        how: `held by ${describeHolder(holder)}`,
        vital: undefined,
      });
      if (!names.includes(holder)) names.push(holder);
    }
  }
  return { names, holders };
}

function describeHolder(kernelName: string): string {
  const mapped = attribute(kernelName, "dm/name");
  return mapped === undefined
    ? `/dev/${kernelName}`
    : `/dev/${kernelName} (device mapper "${mapped}")`;
}

function mountsOf(kernelName: string): Use[] {
  const majorMinor = attribute(kernelName, "dev");
  const members = btrfsMembers(kernelName);
  return probeMounts()
    .filter((mount) => mount.majorMinor === majorMinor || members.has(sourceName(mount) ?? ""))
    .map(({ mountPoint }) => ({
      node: nodeName(kernelName),
      how: `mounted at ${mountPoint}`,
      vital: vitality(mountPoint),
    }));
}

function vitality(mountPoint: string): Use["vital"] {
  if (RUNNING_SYSTEM.has(mountPoint)) return "running system";
  return INSTALLER_MEDIUM.has(mountPoint) ? "installer's medium" : undefined;
}

function swapsOf(kernelName: string): Use[] {
  const node = nodeName(kernelName);
  const active = readFileSync("/proc/swaps", "latin1")
    .split("\n")
    .slice(1)
    .map((line) => line.split(/\s/)[0] ?? "")
    .filter((path) => path !== "" && blockNameOf(path) === kernelName);
  return active.map(() => ({ node, how: "in use as swap", vital: undefined }));
}

function loopsOver(kernelName: string): Use[] {
  const node = nodeName(kernelName);
  return readdirSync("/sys/class/block")
    .filter((name) => attribute(name, "loop/backing_file") === node)
    .map((name) => ({ node, how: `used by the loop device /dev/${name}`, vital: undefined }));
}

function claimedByKernel(kernelName: string): Use[] {
  const node = nodeName(kernelName);
  try {
    closeSync(openSync(node, constants.O_RDONLY | constants.O_EXCL));
    return [];
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const how =
      code === "EBUSY"
        ? "in use, perhaps mounted in another mount namespace"
        : `closed to us: ${code}`;
    return [{ node, how, vital: undefined }];
  }
}

function nodeName(kernelName: string): string {
  return nodeOf(join("/sys/class/block", kernelName));
}
