/** Whether a system may have been put to sleep on a disk since it was looked at. */
import type { Check } from "../../plan.ts";
import { run } from "../spawn.ts";
import { blockDeviceAt } from "./block-device.ts";
import { probeSignature } from "./contents.ts";
import { sysfsPartitions } from "./partition-node.ts";
import { diskOfPartition, isPartition } from "./sysfs.ts";

/** The signatures of the swap areas on the disk that carries a file system. */
export async function hibernationGuards(node: string): Promise<Check[]> {
  const kernelName = blockDeviceAt(node);
  if (!isPartition(kernelName)) return [];
  const guards: Check[] = [];
  for (const partition of sysfsPartitions(diskOfPartition(kernelName))) {
    if ((await probeSignature(partition.node))?.type !== "swap") continue;
    const argv = ["wipefs", "--no-act", "--parsable", partition.node];
    const expected = (await run(argv)).stdout.replace(/\n+$/, "");
    guards.push({ what: `the swap area on ${partition.node}`, argv, expected });
  }
  return guards;
}
