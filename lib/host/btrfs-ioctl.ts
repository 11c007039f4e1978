/**
 * The ioctls of btrfs that we use: numbers and argument layouts of linux/btrfs.h.
 *
 * None of them changes anything; SYNC only brings to the disk what is under way.
 */
import { constants } from "node:os";
import { Failure, Refusal } from "../fault.ts";
import { CallFailure, errno, libc, ptr } from "./libc.ts";

/** _IO(0x94, 8) */
const IOC_SYNC = 0x9408;
/** _IOR(0x94, 24, __u64) */
const IOC_START_SYNC = 0x80089418;
/** _IOW(0x94, 22, __u64) */
const IOC_WAIT_SYNC = 0x40089416;
/** _IOWR(0x94, 17, struct btrfs_ioctl_search_args_v2), without the buffer behind it */
export const IOC_TREE_SEARCH_V2 = 0xc0709411;
/** _IOWR(0x94, 18, struct btrfs_ioctl_ino_lookup_args) */
const IOC_INO_LOOKUP = 0xd0009412;
/** _IOR(0x94, 31, struct btrfs_ioctl_fs_info_args) */
const IOC_FS_INFO = 0x8400941f;

const InoLookup = { treeid: 0, objectid: 8, name: 16, size: 4096 } as const;
const FsInfo = { fsid: 16, fsidSize: 16, nodesize: 32, size: 1024 } as const;
const FIRST_FREE_OBJECTID = 256;

/** What a search must know of a file system. */
export interface FilesystemInfo {
  /** The fsid in hex. */
  readonly id: string;
  readonly nodeSizeBytes: number;
}

/**
 * Waits until all that was written before is in the trees: entries of directories
 * are put there late. Does nothing on a file system mounted read-only.
 */
export function syncFilesystem(fd: number): void {
  // An array of one: the argument is unused, but must be an address.
  const unused = new Uint8Array(new ArrayBuffer(8));
  if (libc().ioctl(fd, IOC_SYNC, ptr(unused)) !== -1) return;
  const fault = ioctlFault("Cannot sync the file system");
  // Opened without its log, or read-only since an error: nothing is on its way to the disk.
  if (!(fault instanceof CallFailure && fault.code === "EROFS")) throw fault;
}

/**
 * Brings all that was written to the disk, and tells the transaction that did:
 * what is written from now on is of a later one.
 */
export function commitTransaction(fd: number): number {
  // Committing alone leaves data behind, and writes their inodes later.
  syncFilesystem(fd);
  const transaction = new DataView(new ArrayBuffer(8));
  const bytes = new Uint8Array(transaction.buffer);
  call(fd, IOC_START_SYNC, bytes, "Cannot begin to sync the file system");
  call(fd, IOC_WAIT_SYNC, bytes, "Cannot sync the file system");
  return Number(transaction.getBigUint64(0, true));
}

/** The id of the subvolume's tree that holds an open file or directory. */
export function subvolumeOf(fd: number): number {
  const args = new DataView(new ArrayBuffer(InoLookup.size));
  args.setBigUint64(InoLookup.objectid, BigInt(FIRST_FREE_OBJECTID), true);
  call(fd, IOC_INO_LOOKUP, new Uint8Array(args.buffer), "Cannot tell the subvolume");
  return Number(args.getBigUint64(InoLookup.treeid, true));
}

/**
 * Where a directory is in its subvolume: "a/b/", and "" for the top. Undefined where it is
 * gone, or so deep that the kernel has no room to say it.
 */
export function directoryPathOf(fd: number, tree: number, inode: number): Uint8Array | undefined {
  const args = new DataView(new ArrayBuffer(InoLookup.size));
  args.setBigUint64(InoLookup.treeid, BigInt(tree), true);
  args.setBigUint64(InoLookup.objectid, BigInt(inode), true);
  const bytes = new Uint8Array(args.buffer);
  if (libc().ioctl(fd, IOC_INO_LOOKUP, ptr(bytes)) === -1) return undefined;
  return bytes.slice(InoLookup.name, bytes.indexOf(0, InoLookup.name));
}

export function filesystemInfo(fd: number): FilesystemInfo {
  const bytes = new Uint8Array(new ArrayBuffer(FsInfo.size));
  call(fd, IOC_FS_INFO, bytes, "Cannot ask for the file system");
  const id = bytes.subarray(FsInfo.fsid, FsInfo.fsid + FsInfo.fsidSize).toHex();
  return { id, nodeSizeBytes: new DataView(bytes.buffer).getUint32(FsInfo.nodesize, true) };
}

/** The failure of an ioctl, told so that a person knows what to do; errno is read here. */
export function ioctlFault(action: string): Failure | Refusal {
  const code = errno();
  if (code === constants.errno.EPERM) {
    const hint = "a search of the metadata needs CAP_SYS_ADMIN: run as root";
    return new Failure(`${action}: EPERM`, { hint });
  }
  if (code === constants.errno.ENOTTY) {
    return new Refusal(`${action}: not on btrfs, expected a btrfs subvolume`);
  }
  return new CallFailure(action, code);
}

function call(fd: number, request: number, args: Uint8Array, action: string): void {
  if (libc().ioctl(fd, request, ptr(args)) === -1) throw ioctlFault(action);
}
