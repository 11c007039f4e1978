/**
 * By which names a configuration calls the disk's parts: by UUIDs where they are
 * known, else by what the profile alone tells, with a comment that says so.
 *
 * A part without a label (a LUKS volume, swap with a new key at each boot) is then
 * called by its number on the disk, as format-disk gives it.
 */
import { Refusal } from "../fault.ts";
import { labelsOf } from "../plans/labels.ts";
import type { Profile } from "../profile.ts";
import { visible } from "../text.ts";

/** What the disk itself tells; all undefined where it isn't there. */
export interface DiskFacts {
  /** Of the file system. */
  readonly btrfs: string | undefined;
  /** Of the LUKS volume around it. */
  readonly luks: string | undefined;
  /** Of the ESP's file system, such as "12AB-34CD". */
  readonly esp: string | undefined;
  readonly swap: SwapFacts | undefined;
  /** Where the swap file begins on the device, in pages; see resume_offset of the kernel. */
  readonly resumeOffset: number | undefined;
}

export interface SwapFacts {
  /** PARTUUID of the partition. */
  readonly partition: string;
  /** Of the swap area in it, which an encrypted one has not. */
  readonly area: string | undefined;
}

export const NO_DISK: DiskFacts = {
  btrfs: undefined,
  luks: undefined,
  esp: undefined,
  swap: undefined,
  resumeOffset: undefined,
};

/** A device as the configuration calls it. */
export interface Name {
  readonly path: string;
  /** Why it is no UUID, as the end of a sentence; undefined where it is one, or the profile's own. */
  readonly remark: string | undefined;
  /** Names that another configuration may call it by, its own among them. */
  readonly aliases: readonly string[];
  /** Whether these are all: a name by UUID is known. */
  readonly isKnown: boolean;
}

/** The btrfs file system, which the mounts and the rollback all must call alike. */
export function btrfsName(profile: Profile, facts: DiskFacts): Name {
  const { btrfs, disk, rollback } = profile;
  // With any other name the initrd waits for the device before it asks for the passphrase.
  if (disk.encryption !== undefined) return plain(`/dev/mapper/${disk.encryption.mapper}`);
  if (btrfs.device !== undefined) return plain(btrfs.device);
  if (facts.btrfs !== undefined) return plain(`/dev/disk/by-uuid/${facts.btrfs}`);
  const byLabel = labelPath(disk.label);
  // Scripted stage 1 reads its list of file systems by a `read` that takes backslashes away.
  if (rollback.stage1 === "scripted" && byLabel.includes("\\")) {
    return byNumber(profile, "btrfs", [byLabel]);
  }
  return labelled(disk.label);
}

/** The partition with the LUKS volume. */
export function luksName(profile: Profile, facts: DiskFacts): Name {
  if (facts.luks !== undefined) return plain(`/dev/disk/by-uuid/${facts.luks}`);
  return byNumber(profile, "btrfs", []);
}

/** The ESP. */
export function espName(profile: Profile, facts: DiskFacts): Name {
  if (facts.esp !== undefined) return plain(`/dev/disk/by-uuid/${facts.esp}`);
  return labelled(labelsOf(profile).esp);
}

/** The swap partition: by what stays when the area is made anew. */
export function swapName(profile: Profile, { swap }: DiskFacts): Name {
  const byLabel = labelPath(labelsOf(profile).swap);
  const aliases = [byLabel, partitionPath(profile.disk.device, SWAP_NUMBER)];
  if (swap !== undefined) {
    const path = `/dev/disk/by-partuuid/${swap.partition}`;
    const area = swap.area === undefined ? [] : [`/dev/disk/by-uuid/${swap.area}`];
    return { path, remark: undefined, aliases: [path, ...area, ...aliases], isKnown: true };
  }
  // An encrypted area has no label, and loses its UUID.
  if (profile.disk.encryption !== undefined) return byNumber(profile, "swap", [byLabel]);
  return { ...labelled(labelsOf(profile).swap), aliases };
}

/**
 * Swap with a new key at each boot is made anew on whatever has its name by then.
 *
 * @throws Refusal for a name that another disk may have by then
 */
export function refuseUnsteadySwap(profile: Profile, facts: DiskFacts): void {
  const { swap, encryption } = profile.disk;
  if (swap?.kind !== "partition" || encryption === undefined) return;
  const { path } = swapName(profile, facts);
  if (path.startsWith("/dev/disk/")) return;
  throw new Refusal(
    `Cannot write the encrypted swap: it would be made anew at every boot on ${visible(path)}, which may be of another disk by then, expected a name below /dev/disk`,
    {
      hint: "Name disk.device by /dev/disk/by-id, write this where the disk is, or take a swap file",
    },
  );
}

/** A path below /dev/disk/by-label as udev writes it; see encode_devnode_name() of systemd. */
export function labelPath(label: string): string {
  const encoded = Array.from(label, (char) =>
    /[\w#+\-.:=@]|[^\x00-\x7f]/.test(char)
      ? char
      : `\\x${char.charCodeAt(0).toString(16).padStart(2, "0")}`,
  );
  return `/dev/disk/by-label/${encoded.join("")}`;
}

/** Of format-disk's layout; see lib/layout.ts. */
const SWAP_NUMBER = 2;
const DISK_WAS_MISSING = "the disk was not there to be asked for its UUID";

function plain(path: string): Name {
  return { path, remark: undefined, aliases: [path], isKnown: true };
}

function labelled(label: string): Name {
  const path = labelPath(label);
  return { path, remark: `by its label, for ${DISK_WAS_MISSING}`, aliases: [path], isKnown: false };
}

function byNumber(profile: Profile, part: "swap" | "btrfs", others: readonly string[]): Name {
  const { device, swap } = profile.disk;
  const number = part === "btrfs" && swap?.kind !== "partition" ? SWAP_NUMBER : NUMBERS[part];
  const path = partitionPath(device, number);
  const remark = `partition ${number} as format-disk makes it, for ${DISK_WAS_MISSING}`;
  return { path, remark, aliases: [path, ...others], isKnown: false };
}

const NUMBERS = { swap: SWAP_NUMBER, btrfs: SWAP_NUMBER + 1 } as const;

/** As udev (60-persistent-storage.rules) and the kernel (bdev_name of Linux) name it. */
function partitionPath(disk: string, number: number): string {
  if (disk.startsWith("/dev/disk/")) return `${disk}-part${number}`;
  return `${disk}${/\d$/.test(disk) ? "p" : ""}${number}`;
}
