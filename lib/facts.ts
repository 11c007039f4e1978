/**
 * Facts: what the machine is like, as plain values that a plan is made from.
 *
 * A probe fills them and never judges; a plan judges and never looks. Sizes are
 * bytes, device nodes are canonical (/dev/nvme0n1p1), names from a disk may hold
 * anything and pass through `visible()` before a person sees them.
 */
import type { Check } from "./plan.ts";

export interface Disk {
  /** As the profile names it: may be a link such as /dev/disk/by-id/…. */
  readonly device: string;
  readonly node: string;
  readonly kernelName: string;
  /** What was named: only a whole disk can be laid out. */
  readonly kind: "disk" | "partition" | "mapped";
  readonly sizeBytes: number;
  /** Logical sector: the unit of the partition table. */
  readonly sectorSizeBytes: number;
  readonly readOnly: boolean;
  readonly model: string | undefined;
  readonly serial: string | undefined;
  /** World-wide name or EUI, such as naa.5000c500a1b2c3d4. */
  readonly wwn: string | undefined;
  /** What a user repeats to agree to erasing this disk and no other. */
  readonly token: string;
  readonly contents: Contents;
  /** Who has hold of the disk or of anything on it; empty when idle. */
  readonly uses: readonly Use[];
  /** Observations that must be the same when the plan runs. */
  readonly checks: readonly Check[];
}

export interface Contents {
  /** "gpt", "dos", "mac" or undefined. */
  readonly table: string | undefined;
  /** Whether sfdisk can list the table's partitions and keep a copy of it. */
  readonly isReadable: boolean;
  readonly partitions: readonly Partition[];
  /** File system or other signature on the disk itself, outside partitions. */
  readonly whole: Signature | undefined;
}

export interface Partition {
  readonly number: number;
  readonly startBytes: number;
  readonly sizeBytes: number;
  /** GPT type GUID in capitals, or the hexadecimal type of a DOS table. */
  readonly type: string;
  readonly name: string | undefined;
  readonly signature: Signature | undefined;
}

export interface Signature {
  /** As libblkid names it: "btrfs", "vfat", "swap", "swsuspend", "crypto_LUKS". */
  readonly type: string;
  readonly label: string | undefined;
  readonly uuid: string | undefined;
}

export interface Use {
  /** The node in use, such as /dev/sda1 or /dev/dm-0 above it. */
  readonly node: string;
  /** How, as the end of a sentence: "mounted at /mnt". */
  readonly how: string;
  /** It carries the system that runs, or the medium it was started from. */
  readonly vital: "running system" | "installer's medium" | undefined;
}

/** A label somewhere on the machine. */
export interface LabelBearer {
  readonly label: string | undefined;
  /** Of the file system, as libblkid shows it. */
  readonly uuid: string | undefined;
  readonly node: string;
}

/** GUIDs and UUIDs of a disk to be made; all from one seed. */
export interface DiskIds {
  readonly disk: string;
  readonly espPartition: string;
  readonly swapPartition: string;
  readonly btrfsPartition: string;
  /** Eight hexadecimal digits. */
  readonly fatVolume: string;
  readonly swap: string;
  readonly btrfs: string;
  /** Of the device within btrfs, which blkid calls UUID_SUB. */
  readonly btrfsDevice: string;
}

/** Lists the names in a folder, whatever bytes they are made of, as ASCII. */
export const LIST_NAMES = ["ls", "--almost-all", "-1", "--escape"] as const;

/** What lies at the top of a btrfs file system under the names that a profile uses. */
export interface BtrfsTop {
  readonly node: string;
  readonly uuid: string;
  /** That no swap area beside it holds the image of a hibernated system. */
  readonly guards: readonly Check[];
  /** What LIST_NAMES says of the top. */
  readonly listing: string;
  /** Absent names are not in it. */
  readonly entries: ReadonlyMap<string, TopEntry>;
}

export interface TopEntry {
  readonly kind: "subvolume" | "directory" | "other";
  /** The subvolume's flag; false for all that is none. */
  readonly readOnly: boolean;
  readonly empty: boolean;
}

/** One line of mountinfo; see proc_pid_mountinfo(5). */
export interface Mount {
  readonly id: number;
  readonly parentId: number;
  /** Such as "8:1"; anonymous ("0:31") for btrfs. */
  readonly majorMinor: string;
  /** The path within the file system that is mounted: "/root" for that subvolume. Bytes as latin1. */
  readonly root: string;
  /** Bytes as latin1: each char is one byte of the path. */
  readonly mountPoint: string;
  readonly options: readonly string[];
  readonly fsType: string;
  /** Bytes as latin1. */
  readonly source: string;
  readonly superOptions: readonly string[];
}

export interface Esp {
  readonly node: string;
  /** Of the file system on it, as blkid(8) shows it. */
  readonly uuid: string;
  /** Ids of the mounts that are of it. */
  readonly mounts: ReadonlySet<number>;
}

/** What mount-subvols sees of the machine. Paths are bytes as latin1, as in `Mount`. */
export interface MountFacts {
  readonly top: BtrfsTop;
  /** Canonical: no symbolic link on the way. */
  readonly target: string;
  readonly mounts: readonly Mount[];
  /** Ids of the mounts that are of the profile's btrfs. */
  readonly ours: ReadonlySet<number>;
  /** Undefined where the ESP is to be left alone. */
  readonly esp: Esp | undefined;
  /** Whether this kernel can mount vfat. */
  readonly vfat: boolean;
}
