/**
 * Which of the mounts upon a root show what the persist root has at the same path: told
 * by the inode that is seen there, whatever mounted it and by whatever name.
 */
import type { Mount } from "../../facts.ts";
import { isSameInode } from "../../inode-status.ts";
import { liveMounts, type Place } from "../../mount-points.ts";
import { lookAt } from "../at.ts";
import { statusOf, statusThrough } from "../inode-status.ts";

/** @param persist descriptor of the persist root; without one there are none */
export function mountedCopies(
  mounts: readonly Mount[],
  places: readonly Place[],
  persist: number | undefined,
): Uint8Array[] {
  if (persist === undefined) return [];
  return [...liveMounts(mounts, places)].flatMap(([path, mountPoint]) => {
    const bytes = Uint8Array.from(Buffer.from(path, "latin1"));
    using copy = lookAt(persist, bytes);
    if (copy === undefined) return [];
    const seen = statusThrough(Buffer.from(mountPoint, "latin1"));
    return seen !== undefined && isSameInode(seen, statusOf(copy.fd)) ? [bytes] : [];
  });
}
