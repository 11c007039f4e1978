/**
 * Which partition holds the profile's btrfs, and which is the ESP: told by what
 * the disk's own table and signatures say, never by a name under /dev/disk.
 */
import type { Contents, Partition } from "./facts.ts";
import { Refusal } from "./fault.ts";
import { visible } from "./text.ts";

/** Partition type of an ESP (UEFI specification, section 5.3.3). */
export const ESP_TYPE = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
/** The type of an ESP in a DOS table. */
const ESP_TYPE_DOS = "ef";

/** @throws Refusal unless exactly one partition bears the label */
export function btrfsPartition(device: string, contents: Contents, label: string): Partition {
  const found = contents.partitions.filter(
    ({ signature }) => signature?.type === "btrfs" && signature.label === label,
  );
  if (found.length === 1) return found[0]!;
  const others = contents.partitions.filter(({ signature }) => signature?.type === "btrfs");
  const there =
    found.length > 1
      ? `partitions ${found.map((p) => p.number).join(" and ")} both are`
      : others.length === 0
        ? "it has no btrfs partition"
        : `it has ${others.map((p) => `"${visible(p.signature?.label ?? "")}"`).join(" and ")}`;
  throw new Refusal(
    `Cannot find the file system on ${visible(device)}: ${there}, expected one btrfs partition labelled "${visible(label)}"`,
    {
      hint: "disk.label of the profile is that label; btrfs.device names a file system directly; format-disk makes one",
    },
  );
}

/** @throws Refusal unless exactly one partition is an ESP */
export function espPartition(device: string, contents: Contents): Partition {
  const found = contents.partitions.filter(
    ({ type }) => type.toUpperCase() === ESP_TYPE || type.toLowerCase() === ESP_TYPE_DOS,
  );
  if (found.length === 1) return found[0]!;
  throw new Refusal(
    `Cannot find the ESP on ${visible(device)}: it has ${found.length} of them, expected one`,
    { hint: "--without-esp leaves /boot alone" },
  );
}

/** @throws Refusal where a hibernated system would be resumed onto a changed file system */
export function refuseHibernated(device: string, contents: Contents): void {
  const signatures = [contents.whole, ...contents.partitions.map((p) => p.signature)];
  if (!signatures.some((signature) => signature?.type === "swsuspend")) return;
  throw new Refusal(
    `Cannot touch ${visible(device)}: it holds the image of a hibernated system, which waits to be resumed`,
    { hint: "Resume that system and shut it down first" },
  );
}
