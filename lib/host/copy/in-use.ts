/** What is written to while it is copied. */
import type { Writer } from "../../copy/writers.ts";
import type { SourceEntry } from "../../plans/copy.ts";
import { statusOf } from "../inode-status.ts";
import { probeWriters } from "../probe/writers.ts";
import type { SourceTrees } from "./trees.ts";

/** Who has one of the files open for writing. */
export function writersAmong(entries: readonly SourceEntry[], trees: SourceTrees): Writer[] {
  const files = entries.filter(({ status, role }) => status.type === "file" && role === "named");
  if (files.length === 0) return [];
  const devices = new Set(trees.all.map(({ live }) => statusOf(live).device));
  let byDevice: PathsByDevice | undefined;
  return probeWriters((device, inode) => {
    if (!devices.has(device)) return undefined;
    byDevice ??= pathsByDevice(files, trees);
    return byDevice.get(device)?.get(inode);
  });
}

/** Then by inode. */
type PathsByDevice = ReadonlyMap<bigint, ReadonlyMap<bigint, Uint8Array>>;

function pathsByDevice(files: readonly SourceEntry[], trees: SourceTrees): PathsByDevice {
  const byTree = Map.groupBy(files, ({ path }) => trees.find(path).tree);
  return new Map(
    Array.from(byTree, ([{ live }, entries]) => [
      statusOf(live).device,
      new Map(entries.map(({ path, status }) => [status.inode, path])),
    ]),
  );
}
