/** What is written to while it is copied, and what was written once the copy was taken. */
import type { Writer } from "../../copy/writers.ts";
import { isUnchanged } from "../../inode-status.ts";
import type { CopyAction, Skipped, SourceEntry } from "../../plans/copy.ts";
import { statusAt, statusOf } from "../inode-status.ts";
import { lentName } from "../libc.ts";
import { probeWriters } from "../probe/writers.ts";
import { subvolumeInfo } from "../snapshots.ts";
import { LeftOut } from "./left-out.ts";
import { SourceDirectories } from "./source-directories.ts";
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

/**
 * Of what was copied from a snapshot: what is otherwise by now, and is not in the copy.
 * Empty for what was copied live.
 */
export function writtenSince(actions: readonly CopyAction[], trees: SourceTrees): Skipped[] {
  using live = new SourceDirectories(trees.asLive());
  const touched = new Map<SourceTree, boolean>();
  const since: Skipped[] = [];
  for (const action of actions) {
    if (action.kind === "remove-leftover" || action.kind.startsWith("set-")) continue;
    if (action.status.type === "directory") continue;
    const { tree } = trees.find(action.path);
    if (!touched.has(tree)) touched.set(tree, wasTouched(tree));
    if (!touched.get(tree)) continue;
    const reason = whatBecame(action, live, tree);
    if (reason !== undefined) since.push({ path: action.path, reason });
  }
  return since;
}

function wasTouched(tree: SourceTree): boolean {
  if (!tree.isFrozen) return false;
  return subvolumeInfo(tree.live).changed !== subvolumeInfo(tree.fd).changed;
}

function whatBecame(
  { path, status }: CopyAction,
  live: SourceDirectories,
  tree: SourceTree,
): string | undefined {
  const now = statusOfLive(path, live);
  if (now === undefined) return "gone";
  if (now.inode !== status.inode) return "replaced";
  const { device } = statusOf(tree.live);
  return isUnchanged({ ...status, device }, now) ? undefined : "written to";
}

function statusOfLive(path: Uint8Array, live: SourceDirectories) {
  try {
    const { directory, name } = live.spotOf(path);
    return statusAt(directory, lentName(name));
  } catch (error) {
    if (error instanceof LeftOut) return undefined;
    throw error;
  }
}
