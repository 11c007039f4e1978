/** Items of btrfs as bytes, for trees that tests make up. */
import { DirItem, FileExtentItem, InodeItem, RootItem, RootRef } from "../../lib/btrfs/format.ts";
import type { Item } from "./fake-tree.ts";

const TREE = 5;

/** An entry of a directory; `to` names an inode, or with `subvolume` a tree. */
export function entry(
  directory: number,
  index: number,
  name: string,
  to: { inode?: number; subvolume?: number; type?: number },
  tree = TREE,
): Item {
  const bytes = Buffer.from(name, "latin1");
  const content = Buffer.alloc(DirItem.size + bytes.length);
  content.writeUInt32LE(to.inode ?? to.subvolume ?? 0, DirItem.locationObjectid);
  content.writeUInt8(to.subvolume === undefined ? 1 : 132, DirItem.locationType);
  content.writeUInt16LE(bytes.length, DirItem.nameLength);
  content.writeUInt8(to.type ?? (to.subvolume === undefined ? 1 : 2), DirItem.type);
  bytes.copy(content, DirItem.size);
  return { tree, objectid: directory, type: 96, offset: index, content };
}

export function inodeItem(
  inode: number,
  fields: { mode?: number; size?: number; links?: number } = {},
  tree = TREE,
): Item {
  const content = Buffer.alloc(InodeItem.size);
  content.writeUInt32LE(fields.mode ?? 0o100644, InodeItem.mode);
  content.writeUInt32LE(fields.size ?? 0, InodeItem.sizeBytes);
  content.writeUInt32LE(fields.links ?? 0, InodeItem.links);
  return { tree, objectid: inode, type: 1, offset: 0, content };
}

export function xattr(inode: number, hash: number, pairs: Record<string, string>): Item {
  const parts = Object.entries(pairs).map(([name, value]) => {
    const head = Buffer.alloc(DirItem.size);
    head.writeUInt16LE(name.length, DirItem.nameLength);
    head.writeUInt16LE(value.length, DirItem.dataLength);
    return Buffer.concat([head, Buffer.from(name + value, "latin1")]);
  });
  return { tree: TREE, objectid: inode, type: 24, offset: hash, content: Buffer.concat(parts) };
}

/** An extent of the file at `offset`; `inline` bytes, or a place on the disk. */
export function extent(
  inode: number,
  offset: number,
  place: { inline?: string; disk?: number; shift?: number; length?: number; type?: number },
): Item {
  const { inline } = place;
  const content = Buffer.alloc(
    inline === undefined ? FileExtentItem.size : FileExtentItem.inlineData + inline.length,
  );
  content.writeUInt32LE(inline?.length ?? 0, FileExtentItem.ramBytes);
  content.writeUInt8(place.type ?? (inline === undefined ? 1 : 0), FileExtentItem.type);
  if (inline === undefined) {
    content.writeUInt32LE(place.disk ?? 0, FileExtentItem.diskBytenr);
    content.writeUInt32LE(place.shift ?? 0, FileExtentItem.offset);
    content.writeUInt32LE(place.length ?? 4096, FileExtentItem.numBytes);
  } else content.write(inline, FileExtentItem.inlineData, "latin1");
  return { tree: TREE, objectid: inode, type: 108, offset, content };
}

/** The record of a subvolume. */
export function rootItem(tree: number, treeBytes: number): Item {
  const content = Buffer.alloc(RootItem.size);
  content.writeUInt32LE(treeBytes, RootItem.bytesUsed);
  return { tree: 1, objectid: tree, type: 132, offset: 0, content };
}

/** Where a subvolume hangs: directory and name in its parent's tree. */
export function backref(child: number, parent: number, directory: number, name: string): Item {
  const content = Buffer.alloc(RootRef.size + name.length);
  content.writeUInt32LE(directory, RootRef.dirid);
  content.writeUInt16LE(name.length, RootRef.nameLength);
  content.write(name, RootRef.size, "latin1");
  return { tree: 1, objectid: child, type: 144, offset: parent, content };
}
