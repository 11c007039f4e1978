/** A disk described for a person who is about to erase it: who it is, and what is on it. */
import type { Contents, Disk, Signature } from "./facts.ts";
import { formatBytes, visible } from "./text.ts";

/** "/dev/sda, Samsung SSD 870, serial S5Y2, 1 TiB": on one line. */
export function describeDisk(disk: Disk): string {
  const parts = [
    disk.device === disk.node ? disk.node : `${disk.device} (${disk.node})`,
    disk.model ?? "no model name",
    disk.serial === undefined ? "no serial number" : `serial ${disk.serial}`,
    formatBytes(disk.sizeBytes),
  ];
  return visible(parts.join(", "));
}

/** What would be lost, a line each; none for a blank disk. */
export function describeContents(contents: Contents): string[] {
  const lines: string[] = [];
  if (contents.whole !== undefined)
    lines.push(`the whole disk: ${describeSignature(contents.whole)}`);
  if (contents.table !== undefined) {
    const limit = contents.isReadable ? "" : ", whose partitions can't be listed nor kept";
    lines.push(`a partition table (${contents.table})${limit}`);
  }
  for (const partition of contents.partitions) {
    const name = partition.name === undefined ? "" : ` "${partition.name}"`;
    const content =
      partition.signature === undefined ? "nothing known" : describeSignature(partition.signature);
    lines.push(
      `partition ${partition.number}${name}, ${formatBytes(partition.sizeBytes)}: ${content}`,
    );
  }
  return lines.map(visible);
}

function describeSignature({ type, label }: Signature): string {
  return label === undefined ? type : `${type} labelled "${label}"`;
}
