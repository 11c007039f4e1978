/**
 * Which subvolumes refer to an extent: BTRFS_IOC_LOGICAL_INO_V2, by which the kernel
 * follows the references through all that snapshots share. Needs CAP_SYS_ADMIN.
 */
import { ioctlFault } from "./btrfs-ioctl.ts";
import { CallFailure, libc, ptr } from "./libc.ts";

/** _IOWR(0x94, 59, struct btrfs_ioctl_logical_ino_args) */
const IOC_LOGICAL_INO_V2 = 0xc038943b;
const Args = { logical: 0, size: 8, flags: 40, inodes: 48, bytes: 56 } as const;
/** All of the extent's users, also those of another part of it. */
const IGNORE_OFFSET = 1n;
/** struct btrfs_data_container: counts, then inode, offset and tree of each reference. */
const Container = { missed: 12, count: 8, values: 16 } as const;
const VALUE_BYTES = 8;
const VALUES_EACH = 3;
const TREE = 2;
const ROOM_BYTES = 64 * 1024;
/** What the kernel takes at most. */
const ROOM_BYTES_MAX = 16 * 1024 * 1024;

/** Trees, each as often as it refers. @param address of the extent's first byte */
export function extentUsers(fd: number, address: number): number[] {
  let room = ROOM_BYTES;
  for (;;) {
    const answer = ask(fd, address, room);
    const isCut = answer.getUint32(Container.missed, true) > 0;
    if (!isCut || room === ROOM_BYTES_MAX) return treesIn(answer);
    room = ROOM_BYTES_MAX;
  }
}

function ask(fd: number, address: number, room: number): DataView {
  const args = new DataView(new ArrayBuffer(Args.bytes));
  const container = new ArrayBuffer(room);
  const bytes = new Uint8Array(container);
  args.setBigUint64(Args.logical, BigInt(address), true);
  args.setBigUint64(Args.size, BigInt(room), true);
  args.setBigUint64(Args.flags, IGNORE_OFFSET, true);
  args.setBigUint64(Args.inodes, BigInt(ptr(bytes)), true);
  const request = new Uint8Array(args.buffer);
  const failed = libc().ioctl(fd, IOC_LOGICAL_INO_V2, ptr(request)) === -1;
  if (failed) requireNoSuchExtent(address);
  return new DataView(container);
}

/** ENOENT alone is an answer: it was freed. Nothing is in the container then. */
function requireNoSuchExtent(address: number): void {
  const fault = ioctlFault(`Cannot tell who refers to the extent at ${address}`);
  if (!(fault instanceof CallFailure && fault.code === "ENOENT")) throw fault;
}

function treesIn(answer: DataView): number[] {
  const count = answer.getUint32(Container.count, true);
  const trees: number[] = [];
  for (let index = TREE; index < count; index += VALUES_EACH) {
    trees.push(Number(answer.getBigUint64(Container.values + VALUE_BYTES * index, true)));
  }
  return trees;
}
