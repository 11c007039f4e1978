/**
 * Whether an unmounted btrfs ended in a crash: what was synced file by file just
 * before it waits in the log tree, and is not in the trees that a look reads.
 */
import { closeSync, openSync, readSync } from "node:fs";
import { blockNameOf, btrfsMembers } from "./btrfs-members.ts";

/** struct btrfs_super_block of linux/btrfs_tree.h: where it is, and two of its fields. */
const SuperBlock = { at: 64 * 1024, magic: 0x40, logRoot: 0x60, size: 0x68 } as const;
/** "_BHRfS_M" */
const MAGIC = 0x4d5f53665248425fn;

/** @returns false for a file system that the kernel has open: its log is in use, or replayed */
export function hasUnreplayedLog(device: string): boolean {
  const name = blockNameOf(device);
  if (name === undefined || btrfsMembers(name).size > 0) return false;
  const block = Buffer.alloc(SuperBlock.size);
  const fd = openSync(device, "r");
  try {
    readSync(fd, block, 0, block.length, SuperBlock.at);
  } finally {
    closeSync(fd);
  }
  if (block.readBigUInt64LE(SuperBlock.magic) !== MAGIC) return false;
  return block.readBigUInt64LE(SuperBlock.logRoot) !== 0n;
}
