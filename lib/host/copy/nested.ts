/**
 * The subvolumes nested in a root, found in the metadata, so that no directory must be
 * walked before their snapshots are taken: these are to be as close in time as can be.
 */
import { treesWithNested } from "../../btrfs/nested.ts";
import { readSubvolumePlace } from "../../btrfs/subvolume-place.ts";
import { Fault } from "../../fault.ts";
import { latin1 } from "../../latin1.ts";
import { isWithin } from "../../profile/paths.ts";
import { directoryPathOf, subvolumeOf } from "../btrfs-ioctl.ts";
import { TreeSearch } from "../tree-search.ts";

/**
 * Each behind the one that it is nested in. One that can't be told is not among them:
 * whoever walks the root meets it.
 *
 * @param live the top of the root, open
 * @param paths only what lies in one of these, or leads there
 * @returns absolute paths, as latin1
 */
export function nestedSubvolumes(live: number, paths: readonly Uint8Array[]): string[] {
  try {
    return find(live).filter((nested) => {
      const isOnWay = (path: string) => isWithin(nested, path) || isWithin(path, nested);
      return paths.some((path) => isOnWay(latin1(path)));
    });
  } catch (error) {
    if (!(error instanceof Fault)) throw error;
    return [];
  }
}

function find(live: number): string[] {
  const reader = new TreeSearch(live);
  const root = subvolumeOf(live);
  const found = new Map([[root, ""]]);
  for (const tree of treesWithNested(reader, root)) {
    const place = readSubvolumePlace(reader, tree);
    const above = place === undefined ? undefined : found.get(place.parent);
    if (tree === root || place === undefined || above === undefined) continue;
    const directory = directoryPathOf(live, place.parent, place.directory);
    if (directory === undefined) continue;
    found.set(tree, `${above}/${latin1(directory)}${place.name}`);
  }
  found.delete(root);
  return [...found.values()];
}
