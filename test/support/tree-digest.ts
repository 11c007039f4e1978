/**
 * One hash over a tree: names, kinds, modes, owners, times and content, and
 * where a subvolume begins its id: a copy of a subvolume is not the subvolume.
 */
import { closeSync, lstatSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { subvolumeOf } from "../../lib/host/btrfs-ioctl.ts";

const SUBVOLUME_INODE = 256n;

export function digestTree(path: string): string {
  const hash = new Bun.CryptoHasher("sha256");
  const visit = (place: string, name: string) => {
    const stat = lstatSync(place, { bigint: true });
    const isSubvolume = stat.isDirectory() && stat.ino === SUBVOLUME_INODE;
    const identity = isSubvolume ? `${subvolumeId(place)}` : "";
    const { mode, uid, gid, mtimeNs } = stat;
    hash.update(JSON.stringify([name, `${mode}`, `${uid}`, `${gid}`, `${mtimeNs}`, identity]));
    if (stat.isFile()) hash.update(readFileSync(place));
    if (stat.isSymbolicLink()) hash.update(readlinkSync(place));
    if (!stat.isDirectory()) return;
    for (const child of readdirSync(place).sort()) visit(`${place}/${child}`, `${name}/${child}`);
  };
  visit(path, "");
  return hash.digest("hex");
}

function subvolumeId(dir: string): number {
  const fd = openSync(dir, "r");
  try {
    return subvolumeOf(fd);
  } finally {
    closeSync(fd);
  }
}
