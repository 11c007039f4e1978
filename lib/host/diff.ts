/**
 * One call for scripts: what a subvolume has that another has not, read from the
 * machine's own btrfs.
 *
 * Both file systems are synced first, for entries of directories reach the trees
 * late. The tops are opened again for reading, so that a descriptor of any kind
 * (O_PATH, of a detached mount) will do.
 */
import { closeSync, constants, fstatSync } from "node:fs";
import { findDelta } from "../btrfs/delta.ts";
import { addedWalk, diffTrees } from "../btrfs/diff-trees.ts";
import { FIRST_FREE_OBJECTID } from "../btrfs/format.ts";
import type { Offered } from "../btrfs/share.ts";
import type { Subvolume } from "../btrfs/side.ts";
import type { TreeReader } from "../btrfs/tree-reader.ts";
import type { DiffOptions, Visit } from "../btrfs/visit.ts";
import { Failure, Refusal } from "../fault.ts";
import { subvolumeOf, syncFilesystem } from "./btrfs-ioctl.ts";
import { contentBelow } from "./file-content.ts";
import { checked, cString, libc, ptr } from "./libc.ts";
import { TreeSearch } from "./tree-search.ts";

export interface Tops {
  /** Descriptors of the tops of both subvolumes; not closed here. */
  readonly root: number;
  /** Undefined compares with nothing: all is added. */
  readonly base: number | undefined;
  /** Of the root's tree, by whoever has one; nobody else uses it meanwhile. */
  readonly reader?: TreeReader | undefined;
  /** Absolute paths below the tops that the comparison is limited to, such as "/etc". */
  readonly within?: readonly Uint8Array[] | undefined;
  /** A transaction: only what was written in it or later; see `commitTransaction()`. */
  readonly since?: number | undefined;
  readonly visitFiles?: DiffOptions["visitFiles"];
  readonly share?: DiffOptions["share"];
  readonly tooDeep?: DiffOptions["tooDeep"];
  /** Told how the differences are found, before the first one. */
  readonly onMethod?: ((reason: string) => void) | undefined;
}

/**
 * Calls `visit` for each path that differs, in byte order (a directory sorts as
 * `name/`). Reads only; needs CAP_SYS_ADMIN.
 *
 * @throws UsageFault for a path in `within` that neither has, Refusal where a top is
 *   not one of a btrfs subvolume, Failure where metadata can't be read
 */
export function diffSubvolumes(tops: Tops, visit: Visit): void {
  const { root, base, reader, within, since, visitFiles, share, tooDeep, onMethod } = tops;
  using ours = new Top(root);
  using theirs = base === undefined ? undefined : new Top(base);
  const subvolumes = { root: ours.read(reader), base: theirs?.read() };
  const content = theirs === undefined ? () => neverNeeded() : contentBelow(ours.fd, theirs.fd);
  const delta = subvolumes.base && findDelta(subvolumes.root, subvolumes.base);
  onMethod?.(delta?.reason ?? "reading the root alone, without a base");
  diffTrees(
    subvolumes,
    { within, content, since, visitFiles, share, tooDeep, touched: delta?.touched },
    visit,
  );
}

/** Reports all below directories of a subvolume that were added; see addedWalk(). */
export function walkAdded(
  root: number,
  options: Pick<DiffOptions, "visitFiles">,
  visit: Visit,
): (directory: Offered) => void {
  // Open as long as the process is: whoever asks ends with it.
  return addedWalk(new Top(root).read(), options, visit);
}

class Top implements Disposable {
  readonly fd: number;

  constructor(directory: number) {
    const flags = constants.O_RDONLY | constants.O_DIRECTORY | 0o2000000;
    const name = cString(".");
    const action = () => "Cannot open the top of a subvolume";
    this.fd = checked(libc().openat(directory, ptr(name), flags, 0), action);
  }

  read(reader?: TreeReader): Subvolume {
    const tree = subvolumeOf(this.fd);
    const { ino } = fstatSync(this.fd);
    if (ino !== FIRST_FREE_OBJECTID) {
      throw new Refusal(
        `Cannot compare: a directory inside subvolume ${tree} was given, expected its top`,
      );
    }
    syncFilesystem(this.fd);
    const search = () => new TreeSearch(this.fd);
    return { reader: reader ?? search(), inodes: search(), tree };
  }

  [Symbol.dispose](): void {
    closeSync(this.fd);
  }
}

function neverNeeded(): never {
  throw new Failure("Cannot compare content: there is no base");
}
