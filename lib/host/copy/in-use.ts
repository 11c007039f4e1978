/** What is written to while it is copied. */
import type { Writer } from "../../copy/writers.ts";
import type { SourceEntry } from "../../plans/copy.ts";
import { statusOf } from "../inode-status.ts";
import { probeWriters } from "../probe/writers.ts";
import type { SourceTree, SourceTrees } from "./trees.ts";

/** Who has one of the files open for writing. */
export function writersAmong(entries: readonly SourceEntry[], trees: SourceTrees): Writer[] {
  const files = entries.filter(({ status, role }) => status.type === "file" && role === "named");
  if (files.length === 0) return [];
  const byDevice = new Map<bigint, Map<bigint, Uint8Array>>();
  const devices = new Map<SourceTree, bigint>();
  for (const { path, status } of files) {
    const { tree } = trees.find(path);
    const device = devices.get(tree) ?? statusOf(tree.live).device;
    devices.set(tree, device);
    const byInode = byDevice.get(device) ?? new Map<bigint, Uint8Array>();
    byDevice.set(device, byInode.set(status.inode, path));
  }
  return probeWriters((device, inode) => byDevice.get(device)?.get(inode));
}
