/** What stat(2) says of an inode, in the parts that make two copies equal or not. */
import type { FileType } from "./btrfs/change.ts";

export interface InodeStatus {
  readonly type: Exclude<FileType, "subvolume">;
  /** Permission bits with suid, sgid and sticky: 07777. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly sizeBytes: number;
  readonly atimeNs: bigint;
  readonly mtimeNs: bigint;
  /** Changes with every change of the inode, and can't be set. */
  readonly ctimeNs: bigint;
  readonly device: bigint;
  readonly inode: bigint;
  readonly links: number;
  /** The number of a device node. */
  readonly rdev: bigint;
  /** chattr +i: nothing of it can change. */
  readonly isImmutable: boolean;
  /** chattr +a: nothing of it can change but by adding to it. */
  readonly isAppendOnly: boolean;
  /** Known to have no extended attributes and nothing that chattr sets. */
  readonly isBare?: boolean;
}

/** Whether both are of one and the same inode in one and the same state. */
export function isUnchanged(before: InodeStatus, now: InodeStatus): boolean {
  return (
    isSameInode(before, now) &&
    before.ctimeNs === now.ctimeNs &&
    before.mtimeNs === now.mtimeNs &&
    before.sizeBytes === now.sizeBytes
  );
}

export function isSameInode(a: InodeStatus, b: InodeStatus): boolean {
  return a.device === b.device && a.inode === b.inode;
}
