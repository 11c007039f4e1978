/** How much room a mounted file system has, as df(1) counts it. */
import { statfsSync } from "node:fs";
import type { DiskSpace } from "../nearly-full.ts";

/** @param fd anything open on it */
export function diskSpace(fd: number): DiskSpace {
  const { blocks, bavail, bsize } = statfsSync(`/proc/self/fd/${fd}`);
  return { sizeBytes: blocks * bsize, freeBytes: bavail * bsize };
}
