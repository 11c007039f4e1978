/** What subvolumes hold, found by every way there is: ours, and the kernel's quota groups. */
import { closeSync, constants, openSync } from "node:fs";
import { readHeldSpace } from "../../lib/btrfs/held-space.ts";
import { treesWithNested } from "../../lib/btrfs/nested.ts";
import { subvolumeOf } from "../../lib/host/btrfs-ioctl.ts";
import { findHeldSpace } from "../../lib/host/exclusive-bytes.ts";
import { extentUsers } from "../../lib/host/extent-users.ts";
import { TreeSearch } from "../../lib/host/tree-search.ts";
import { sh } from "./disk.ts";

/** As a script finds it. */
export function found(dirs: readonly string[]) {
  return withTrees(dirs, findHeldSpace);
}

/** Of a subvolume and all that are nested in it. */
export function foundWithNested(dir: string) {
  return withTrees([dir], (fd, [tree]) =>
    findHeldSpace(fd, treesWithNested(new TreeSearch(fd), tree!)),
  );
}

export function byBackrefs(dirs: readonly string[]) {
  return withTrees(dirs, (fd, trees) =>
    readHeldSpace(new TreeSearch(fd), trees, (address) => extentUsers(fd, address)),
  );
}

/** Calls with a descriptor on the file system, and the trees of subvolumes. */
function withTrees<T>(dirs: readonly string[], call: (fd: number, trees: number[]) => T): T {
  const fds = dirs.map((dir) => openSync(dir, constants.O_RDONLY));
  try {
    return call(fds[0]!, fds.map(subvolumeOf));
  } finally {
    for (const fd of fds) closeSync(fd);
  }
}

/** What the kernel counts: of each, and of all in a group above theirs. */
export function byGroups(top: string, dirs: readonly string[]) {
  sh(["btrfs", "qgroup", "create", "1/1", top]);
  const ids = dirs.map((dir) => sh(["btrfs", "inspect-internal", "rootid", dir]).trim());
  for (const id of ids) sh(["btrfs", "qgroup", "assign", "--no-rescan", `0/${id}`, "1/1", top]);
  sh(["btrfs", "quota", "rescan", "-w", top]);
  sh(["sync", "--file-system", top]);
  const text = sh(["btrfs", "qgroup", "show", "--raw", top]);
  return [...ids.map((id) => `0/${id}`), "1/1"].map((group) => {
    const line = text.split("\n").find((each) => each.split(/\s+/)[0] === group)!;
    const [, bytes, exclusiveBytes] = line.split(/\s+/).map(Number);
    return { bytes: bytes!, exclusiveBytes: exclusiveBytes! };
  });
}
