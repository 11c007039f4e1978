/** Which state subvolumes are in: a change of anything in one gives it another generation. */
import { readSubvolumeRecord } from "../../btrfs/root-item.ts";
import { filesystemInfo, syncFilesystem } from "../btrfs-ioctl.ts";
import { TreeSearch } from "../tree-search.ts";

export interface SubvolumesState {
  /** The fsid. */
  readonly filesystem: string;
  readonly trees: readonly TreeState[];
}

export interface TreeState {
  readonly tree: number;
  /** null where there is no such subvolume, or it doesn't say. */
  readonly uuid: string | null;
  readonly generation: number;
  /** A change of the flag alone is no new generation. */
  readonly isReadOnly: boolean;
}

/** @param fd anything open on the file system */
export function subvolumesState(fd: number, trees: readonly number[]): SubvolumesState {
  syncFilesystem(fd);
  const reader = new TreeSearch(fd);
  return {
    filesystem: filesystemInfo(fd).id,
    trees: trees.map((tree) => {
      const record = readSubvolumeRecord(reader, tree);
      const { uuid = null, generation = 0, isReadOnly = false } = record ?? {};
      return { tree, uuid, generation, isReadOnly };
    }),
  };
}
