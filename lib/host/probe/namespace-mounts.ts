/** Mounts in every mount namespace that /proc shows: what a container or a service has mounted is in use too. */
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Mount } from "../../facts.ts";
import { latin1OfText, textOfLatin1 } from "../../latin1.ts";
import { blockDeviceAt } from "./block-device.ts";
import { btrfsMembers, sourceName } from "./btrfs-members.ts";
import { parseMount } from "./mounts.ts";

/** Where a subvolume, by its path below the top, or anything below it is mounted. */
export function mountsOfSubvolume(node: string, path: string): string[] {
  const members = btrfsMembers(blockDeviceAt(node));
  const root = latin1OfText(`/${path}`);
  return mountsOfAllNamespaces()
    .filter((mount) => mount.root === root || mount.root.startsWith(`${root}/`))
    .filter((mount) => members.has(sourceName(mount) ?? ""))
    .map(({ mountPoint }) => textOfLatin1(mountPoint));
}

function mountsOfAllNamespaces(): Mount[] {
  const seen = new Set<string>();
  const mounts: Mount[] = [];
  for (const pid of readdirSync("/proc").filter((name) => /^\d+$/.test(name))) {
    const text = mountinfoOf(pid, seen);
    const lines = text.split("\n").filter((line) => line !== "");
    mounts.push(...lines.map(parseMount));
  }
  return mounts;
}

/** Empty for a namespace that was seen, and for a process that has ended meanwhile. */
function mountinfoOf(pid: string, seen: Set<string>): string {
  try {
    const namespace = readlinkSync(`/proc/${pid}/ns/mnt`);
    if (seen.has(namespace)) return "";
    const text = readFileSync(`/proc/${pid}/mountinfo`, "latin1");
    seen.add(namespace);
    return text;
  } catch (error) {
    // A process of the kernel, or one that has no mounts left, says EINVAL.
    const { code } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EINVAL", "EACCES"].includes(code ?? "")) return "";
    throw error;
  }
}
