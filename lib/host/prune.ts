/** What pruning by hand must know of the machine. */

import { treesWithNested } from "../btrfs/nested.ts";
import { Failure } from "../fault.ts";
import type { Check } from "../plan.ts";
import type { PrunableRoot, PruneFacts, Subvolume } from "../plans/prune.ts";
import type { Profile } from "../profile.ts";
import { visible } from "../text.ts";
import { probeBtrfsTop } from "./probe/btrfs-top.ts";
import { probeDisk } from "./probe/disk.ts";
import { mountsOfSubvolume } from "./probe/namespace-mounts.ts";
import type { OldRoot, OldRoots } from "./probe/old-roots.ts";
import { diskOf } from "./rollback.ts";
import { run } from "./spawn.ts";
import { TreeSearch } from "./tree-search.ts";

/** How a child sees the first descriptor that it inherits. */
const INHERITED = "/proc/self/fd/3";

/** @throws Refusal where the disk has no such file system, or a hibernated system is on it */
export async function probePrune(profile: Profile, old: OldRoots): Promise<PruneFacts> {
  const { uuid, guards } = await probeBtrfsTop(old.device, []);
  const roots: PrunableRoot[] = [];
  for (const root of old.roots) roots.push(await probeRoot(root, old));
  return {
    disk: await probeDisk(diskOf(profile, old.device)),
    top: { node: old.device, uuid, guards },
    directory: old.inode,
    roots,
  };
}

/** One that can't be looked at keeps no other from being pruned. */
async function probeRoot({ name, time, tree }: OldRoot, old: OldRoots): Promise<PrunableRoot> {
  const [point] = mountsOfSubvolume(old.device, `${old.directory}/${name}`);
  const mounted = point === undefined ? undefined : `it is mounted at ${visible(point)}`;
  try {
    const subvolumes: Subvolume[] = [];
    for (const each of treesWithNested(new TreeSearch(old.top), tree)) {
      subvolumes.push({ tree: each, place: await observePlace(each, old) });
    }
    return { name, time, subvolumes, obstacle: mounted };
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    return { name, time, subvolumes: [], obstacle: error.message };
  }
}

async function observePlace(tree: number, { top, directory }: OldRoots): Promise<Check> {
  const argv = ["btrfs", "inspect-internal", "subvolid-resolve", String(tree)];
  const { stdout } = await run([...argv, INHERITED], { inherit: [top] });
  const expected = stdout.replace(/\n+$/, "");
  if (!expected.startsWith(`${directory}/`)) {
    throw new Failure(`Cannot delete subvolume ${tree}: it lies at ${visible(expected)}`);
  }
  return { what: `the place of subvolume ${tree}`, argv: [...argv, { top: "" }], expected };
}
