/**
 * The persist root walked for what nobody claims. A directory of which nothing is
 * claimed is one finding with the sums of all beneath it. Nothing is followed: not a
 * symbolic link, and no mount.
 */
import type { Claims } from "../../copy/claims.ts";
import type { StaleFinding } from "../../copy/review.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { latin1 } from "../../latin1.ts";
import { type Handle, lookAt, namesIn, READ_DIRECTORY, reopen } from "../at.ts";
import { statusOf } from "../inode-status.ts";

const SLASH = 0x2f;
/** Inode number of the top directory of every subvolume: BTRFS_FIRST_FREE_OBJECTID. */
const SUBVOLUME_INODE = 256n;

/**
 * @param top the persist root
 * @param onFind gets each in the order of its bytes
 * @param onLook is called for each path that is looked at
 */
export function findStale(
  top: number,
  claims: Claims,
  onFind: (finding: StaleFinding) => void,
  onLook: () => void,
): void {
  const visit = (path: Uint8Array, handle: Handle) => {
    for (const child of childrenOf(handle, path)) {
      onLook();
      const claim = claims.of(latin1(child));
      if (claim === "kept") continue;
      using found = lookAt(top, child);
      // Gone since its directory was read.
      if (found === undefined) continue;
      const status = statusOf(found.fd);
      if (claim === "parent" && status.type === "directory") visit(child, found);
      // A link on the way to what is listed is how somebody laid it out.
      else if (claim === "stale" || status.type !== "symlink") {
        onFind({ path: child, ...sumsOf(top, child, found, onLook) });
      }
    }
  };
  using whole = lookAt(top, new Uint8Array());
  if (whole !== undefined) visit(new Uint8Array(), whole);
}

function sumsOf(
  top: number,
  path: Uint8Array,
  handle: Handle,
  onLook: () => void,
): Omit<StaleFinding, "path"> {
  const status = statusOf(handle.fd);
  const sums = { count: 0, bytes: 0, newestNs: status.mtimeNs };
  const seen = new Set<string>();
  const add = (one: InodeStatus) => {
    sums.count++;
    if (one.mtimeNs > sums.newestNs) sums.newestNs = one.mtimeNs;
    // What has several names takes its place once.
    const key = `${one.device}:${one.inode}`;
    if (one.type !== "file" || seen.has(key)) return;
    if (one.links > 1) seen.add(key);
    sums.bytes += one.sizeBytes;
  };
  const waiting: Uint8Array[] = [];
  const open = (at: Uint8Array, directory: Handle) => {
    for (const child of childrenOf(directory, at)) waiting.push(child);
  };
  add(status);
  if (status.type === "directory") open(path, handle);
  for (let next = waiting.pop(); next !== undefined; next = waiting.pop()) {
    onLook();
    using found = lookAt(top, next);
    if (found === undefined) continue;
    const one = statusOf(found.fd);
    add(one);
    if (one.type === "directory") open(next, found);
  }
  const isSubvolume = status.type === "directory" && status.inode === SUBVOLUME_INODE;
  return { type: isSubvolume ? "subvolume" : status.type, ...sums };
}

/** In the order of their bytes. */
function childrenOf(handle: Handle, path: Uint8Array): Uint8Array[] {
  using directory = reopen(handle, READ_DIRECTORY, path);
  return namesIn(directory, path)
    .map((name) => Buffer.concat([path, Buffer.from([SLASH]), name]))
    .sort(Buffer.compare);
}
