/**
 * What a copy replaces, while that stands on the stage: under a name that says which inode
 * is the new one, and what the plan saw of the former one.
 *
 * A run may be killed after both have changed places and before it has looked at what came
 * back. So the next one can tell: the copy, and what was to be replaced, may go; what
 * somebody wrote meanwhile is the only one there is, and is put aside.
 */
import { type InodeStatus, isSameInode } from "../../inode-status.ts";
import { latin1 } from "../../latin1.ts";
import { type Handle, namesIn } from "../at.ts";
import { statusAt } from "../inode-status.ts";
import { cString, lentName, libc, ptr } from "../libc.ts";
import { RENAME_NOREPLACE } from "./rename.ts";

export const REPLACING_NAME = Buffer.from(".blankroot-replacing");
const KEPT = ".blankroot-kept-";

/** @param copy of the path, on the stage */
export function recordOf(copy: InodeStatus, replaces: InodeStatus): Uint8Array {
  const { inode, mtimeNs, sizeBytes } = replaces;
  return Buffer.from(`${copy.inode}.${inode}.${mtimeNs}.${sizeBytes}`);
}

/** ctime is left out: the exchange itself changes it. */
export function isAsSeen(now: InodeStatus, seen: InodeStatus): boolean {
  return isSameInode(now, seen) && now.mtimeNs === seen.mtimeNs && now.sizeBytes === seen.sizeBytes;
}

/**
 * Removes all that may go, and puts the rest into the directory of the stage. What can't
 * be moved stays, and so does the stage.
 *
 * @returns the names of what was put there
 */
export function clearReplacing(replacing: Handle, directory: number): string[] {
  return namesIn(replacing, REPLACING_NAME).flatMap((bytes) => {
    const name = latin1(bytes);
    const status = statusAt(replacing.fd, lentName(bytes));
    if (status === undefined) return [];
    const [copy, ...seen] = name.split(".");
    const { inode, mtimeNs, sizeBytes } = status;
    const from = cString(bytes);
    if (`${inode}` === copy || seen.join(".") === `${inode}.${mtimeNs}.${sizeBytes}`) {
      libc().unlinkat(replacing.fd, ptr(from), 0);
      return [];
    }
    const to = cString(`${KEPT}${name}`);
    const moved = libc().renameat2(replacing.fd, ptr(from), directory, ptr(to), RENAME_NOREPLACE);
    return moved === -1 ? [] : [`${KEPT}${name}`];
  });
}
