/**
 * The old roots of a file system, opened: the subvolumes right below the directory
 * of old roots that have an old root's name, and nothing else.
 *
 * Neither a name nor a path proves what a subvolume is. Each is looked up in the
 * root tree by its id, which must say that it hangs in that very directory of the
 * top, under that very name.
 */
import { constants, readdirSync } from "node:fs";
import { readSubvolumePlace } from "../../btrfs/subvolume-place.ts";
import { Refusal } from "../../fault.ts";
import { timeOfOldRoot } from "../../old-roots.ts";
import type { Profile } from "../../profile.ts";
import { visible } from "../../text.ts";
import { type Handle, lookAt, reopen } from "../at.ts";
import { subvolumeOf } from "../btrfs-ioctl.ts";
import { statusOf } from "../inode-status.ts";
import { View } from "../roots/views.ts";
import { TreeSearch } from "../tree-search.ts";
import { findFilesystem } from "./filesystem.ts";
import { runningRoot } from "./running-root.ts";

/** Inode number of the top directory of every subvolume: BTRFS_FIRST_FREE_OBJECTID. */
const SUBVOLUME_INODE = 256n;
/** The tree of the top of the file system: BTRFS_FS_TREE_OBJECTID. */
const TOP_TREE = 5;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

export interface OldRoot {
  readonly name: string;
  /** When it was set aside, by the clock of that boot. */
  readonly time: Date;
  /** The id of its tree. */
  readonly tree: number;
  /** Open for reading: its top. */
  readonly fd: number;
}

/** What is in the directory and no old root. */
export interface Stranger {
  readonly name: Uint8Array;
  readonly reason: string;
}

/** Disposing of it closes all. */
export interface OldRoots extends Disposable {
  /** The newest first. */
  readonly roots: readonly OldRoot[];
  readonly strangers: readonly Stranger[];
  /** Inode number of the directory; undefined where there is none. */
  readonly inode: bigint | undefined;
  readonly device: string;
  /** The directory's name. */
  readonly directory: string;
  /** Open for reading: the top of the file system. */
  readonly top: number;
}

/** The node of the file system that the profile means: the running system's, else the disk's. */
export async function findDevice(profile: Profile): Promise<string> {
  return runningRoot(profile)?.device ?? (await findFilesystem(profile));
}

/** @throws Refusal where what has the directory's name is no plain directory */
export function openOldRoots(device: string, directory: string): OldRoots {
  using opening = new DisposableStack();
  const { top } = opening.use(View.ofDevice(device, "read-only"));
  const found = lookAt(top, Buffer.from(directory));
  const inode = found && plainDirectory(opening.use(found), device, directory);
  const roots: OldRoot[] = [];
  const strangers: Stranger[] = [];
  const names = found === undefined ? [] : readdirSync(found.path, { encoding: "buffer" });
  for (const name of names.sort(Buffer.compare)) {
    const each = look(found!, inode!, name, opening);
    if ("reason" in each) strangers.push(each);
    else roots.push(each);
  }
  const byTime = (a: OldRoot, b: OldRoot) =>
    b.time.getTime() - a.time.getTime() || (a.name < b.name ? 1 : -1);
  const opened = opening.move();
  return {
    roots: roots.sort(byTime),
    strangers,
    inode,
    device,
    directory,
    top,
    [Symbol.dispose]: () => opened.dispose(),
  };
}

/** The one with a name, or with the one name that begins so. @throws Refusal */
export function oldRootNamed({ roots, directory, device }: OldRoots, name: string): OldRoot {
  const begun = roots.filter((root) => root.name.startsWith(name));
  const found = roots.find((root) => root.name === name) ?? begun[0];
  const isAmbiguous = begun.length > 1 && found?.name !== name;
  if (found !== undefined && name !== "" && !isAmbiguous) return found;
  const state = isAmbiguous ? `${begun.length} old roots begin so` : "there is no such old root";
  throw new Refusal(
    `Cannot use ${visible(`${directory}/${name}`)} on ${visible(device)}: ${state}`,
    { hint: "old-roots list shows those that there are" },
  );
}

/** @throws Refusal where there is none */
export function newestOldRoot({ roots, directory, device }: OldRoots): OldRoot {
  const [newest] = roots;
  if (newest !== undefined) return newest;
  throw new Refusal(
    `Cannot find an old root: there is none in ${visible(directory)} on ${visible(device)}`,
  );
}

/** Its inode number. @throws Refusal */
function plainDirectory({ fd }: Handle, device: string, directory: string): bigint {
  const { type, inode } = statusOf(fd);
  if (type === "directory" && inode !== SUBVOLUME_INODE) return inode;
  const kind =
    type === "directory" ? "a subvolume" : type === "symlink" ? "a symbolic link" : "no directory";
  throw new Refusal(
    `Cannot look at the old roots on ${visible(device)}: ${visible(directory)} is ${kind}, expected a plain directory`,
    { hint: "Look at it, and move it away: the next rollback makes the directory" },
  );
}

function look(
  directory: Handle,
  inode: bigint,
  bytes: Buffer,
  opening: DisposableStack,
): OldRoot | Stranger {
  const stranger = (reason: string) => ({ name: bytes, reason });
  const name = bytes.toString("latin1");
  const time = timeOfOldRoot(name);
  if (time === undefined) return stranger("its name is no old root's");
  using found = lookAt(directory.fd, bytes);
  if (found === undefined) return stranger("it is gone");
  const status = statusOf(found.fd);
  if (status.type !== "directory" || status.inode !== SUBVOLUME_INODE) {
    return stranger("it is no subvolume");
  }
  const { fd } = opening.use(reopen(found, DIRECTORY, bytes));
  const tree = subvolumeOf(fd);
  const place = readSubvolumePlace(new TreeSearch(fd), tree);
  const isHere =
    place?.parent === TOP_TREE && BigInt(place.directory) === inode && place.name === name;
  if (!isHere) return stranger("the file system has it in another place");
  return { name, time, tree, fd };
}
