/** Which kind of file system holds a path; see statfs(2). */
import { statfsSync } from "node:fs";

/** BTRFS_SUPER_MAGIC of linux/magic.h. */
const BTRFS_MAGIC = 0x9123683e;

export function isBtrfs(path: string): boolean {
  return statfsSync(path).type === BTRFS_MAGIC;
}
