/**
 * The metadata reader put to two made-up trees, its answer on stdout: a program to be
 * packed for another architecture, where no kernel has real ones for it.
 */
import { backref, entry, extent, inodeItem, xattr } from "./btrfs-items.ts";
import type { Item } from "./fake-tree.ts";
import { differences } from "./made-up-diff.ts";

const TOP = 256;
const DIRECTORY_MODE = 0o040755;
const INODES = 3000;
const FILES_EACH = 20;

/** @param changed tells which inodes differ from the other tree's */
function tree(changed: (inode: number) => boolean): Item[] {
  const items: Item[] = [inodeItem(TOP, { mode: DIRECTORY_MODE })];
  let directory = TOP;
  for (let inode = TOP + 1; inode < TOP + INODES; inode++) {
    const isDirectory = inode % FILES_EACH === 0;
    const differs = changed(inode);
    if (differs && inode % 3 === 0) continue;
    const parent = isDirectory ? TOP : directory;
    const name = `${isDirectory ? "dir" : "f\xff\n"}${inode}`;
    items.push(entry(parent, inode, name, { inode, type: isDirectory ? 2 : 1 }));
    if (isDirectory) {
      items.push(inodeItem(inode, { mode: DIRECTORY_MODE }));
      directory = inode;
      continue;
    }
    items.push(inodeItem(inode, { size: differs ? 8192 : 4096 }));
    if (inode % 7 === 0) items.push(xattr(inode, 7, { "user.a": differs ? "new" : "old" }));
    items.push(extent(inode, 0, { disk: inode + (differs ? INODES : 0) }));
  }
  items.push(backref(300, 5, TOP, "nested"));
  return items.sort(
    (a, b) =>
      a.tree - b.tree ||
      a.objectid - b.objectid ||
      a.type - b.type ||
      Number(a.offset) - Number(b.offset),
  );
}

const lines = differences(
  tree((inode) => inode % 11 === 0),
  tree((inode) => inode % 13 === 0),
  () => false,
);
process.stdout.write(`${lines.join("\n")}\n`);
