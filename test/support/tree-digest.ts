/**
 * One hash over a tree: names, kinds, modes, owners, times and content, and
 * where a subvolume begins its UUID: a copy of a subvolume is not the subvolume.
 */
import { lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { sh } from "./disk.ts";

const SUBVOLUME_INODE = 256n;

export function digestTree(path: string): string {
  const hash = new Bun.CryptoHasher("sha256");
  const visit = (place: string, name: string) => {
    const stat = lstatSync(place, { bigint: true });
    const isSubvolume = stat.isDirectory() && stat.ino === SUBVOLUME_INODE;
    const identity = isSubvolume ? uuidOf(place) : "";
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

function uuidOf(subvolume: string): string {
  const shown = sh(["btrfs", "subvolume", "show", subvolume]);
  return /^\tUUID:\s*(\S+)$/m.exec(shown)?.[1] ?? "none";
}
