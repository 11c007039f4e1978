/**
 * How much of the disk subvolumes hold, and how much of that nothing else does:
 * what would be free were they deleted together.
 *
 * Data is judged by the references to each extent. Where the extent tree shows no
 * others than those that we saw, of inodes that no snapshot shares, or shows another
 * subvolume's, that is the answer; only for the rest the kernel is asked to follow
 * them, which takes a hundred times as long. A tree itself is its own as far as it
 * holds what was made since the last snapshot, by the items; when its blocks were
 * written proves nothing, for a balance writes what is shared anew. Checksums and
 * the like, a thousandth, are left out.
 */
import { grown } from "../grown.ts";
import { damaged } from "./damage.ts";
import { readSharing, type Sharing } from "./extent-sharing.ts";
import {
  EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FileExtentItem,
  INODE_ITEM_KEY,
  InodeItem,
} from "./format.ts";
import { ItemCursor, u64 } from "./item-cursor.ts";
import { ReadAhead } from "./read-ahead.ts";
import { readSubvolumeRecord } from "./root-item.ts";
import { SearchHeader, type TreeReader } from "./tree-reader.ts";

export interface HeldSpace {
  /** Each extent once, as large as it is on the disk (compressed), and the trees themselves. */
  readonly bytes: number;
  /** Of these, what nothing else refers to. */
  readonly exclusiveBytes: number;
}

/** Extents as close as that on the disk are likely to lie in one block of the extent tree. */
const NEAR_BYTES = 1024 * 1024;

/** The trees of the subvolumes that refer to an extent. @param address of its first byte */
export type UsersOf = (address: number) => Iterable<number>;

/** @param trees of subvolumes that are taken as one, such as a root and those nested in it */
export function readHeldSpace(
  reader: TreeReader,
  trees: readonly number[],
  usersOf: UsersOf,
): HeldSpace {
  const references = new References();
  let bytes = 0;
  let exclusiveBytes = 0;
  for (const tree of new Set(trees)) {
    const record = readSubvolumeRecord(reader, tree);
    if (record === undefined) continue;
    const ownPart = references.addTree(new ItemCursor(reader), tree, record.lastSnapshot);
    bytes += record.treeBytes;
    // One block at least, the topmost, is no other's in any case.
    exclusiveBytes += wholeBlocks(record.treeBytes * ownPart, reader.nodeSizeBytes);
  }
  const ours = new Set(trees);
  const cursor = new ItemCursor(new ReadAhead(reader, NEAR_BYTES));
  for (const extent of references.extents()) {
    bytes += extent.bytes;
    if (isOurs(extent, readSharing(cursor, extent.address, ours), ours, usersOf)) {
      exclusiveBytes += extent.bytes;
    }
  }
  return { bytes, exclusiveBytes };
}

/** An extent that the trees refer to. */
interface HeldExtent {
  readonly address: number;
  readonly bytes: number;
  /** How many references to it were seen. */
  readonly seen: number;
  /** Whether all of them are of inodes that no snapshot shares. */
  readonly isOwn: boolean;
}

function isOurs(
  { address, seen, isOwn }: HeldExtent,
  sharing: Sharing,
  ours: ReadonlySet<number>,
  usersOf: UsersOf,
): boolean {
  if (sharing.hasOther) return false;
  if (isOwn && sharing.known === seen && sharing.all === seen) return true;
  for (const tree of usersOf(address)) if (!ours.has(tree)) return false;
  return true;
}

function madeIn(inode: ItemCursor): number {
  if (inode.length < InodeItem.size) throw damaged(inode, `${inode.length} bytes, no inode`);
  return u64(inode.view, inode.at + InodeItem.generation);
}

function wholeBlocks(bytes: number, blockBytes: number): number {
  return Math.max(1, Math.ceil(bytes / blockBytes)) * blockBytes;
}

/** All references of trees to extents, in flat arrays, for there may be a million. */
class References {
  #count = 0;
  #address = new Float64Array(1024);
  #bytes = new Float64Array(1024);
  #isOwn = new Uint8Array(1024);

  /**
   * @param lastSnapshot inodes that are as old may be another tree's as well
   * @returns the part of the tree that is its own, from 0 to 1
   */
  addTree(cursor: ItemCursor, tree: number, lastSnapshot: number): number {
    let all = 0;
    let own = 0;
    let isOwn = false;
    cursor.aimAtAll(tree, 0);
    while (cursor.next()) {
      if (cursor.type === INODE_ITEM_KEY) isOwn = madeIn(cursor) > lastSnapshot;
      const itemBytes = cursor.length + SearchHeader.size;
      all += itemBytes;
      if (isOwn) own += itemBytes;
      if (cursor.type === EXTENT_DATA_KEY) this.#addExtent(cursor, isOwn);
    }
    return all === 0 ? 1 : own / all;
  }

  *extents(): Generator<HeldExtent> {
    const order = new Uint32Array(this.#count).map((_, index) => index);
    const address = this.#address;
    order.sort((a, b) => address[a]! - address[b]!);
    for (let from = 0; from < order.length; ) {
      const first = order[from]!;
      let isOwn = true;
      let to = from;
      for (; to < order.length && address[order[to]!] === address[first]; to++) {
        if (this.#isOwn[order[to]!] === 0) isOwn = false;
      }
      yield { address: address[first]!, bytes: this.#bytes[first]!, seen: to - from, isOwn };
      from = to;
    }
  }

  #addExtent(item: ItemCursor, isOwn: boolean): void {
    const { view, at, length } = item;
    if (length < FileExtentItem.inlineData) throw damaged(item, `${length} bytes, no file extent`);
    if (view.getUint8(at + FileExtentItem.type) === FILE_EXTENT_INLINE) return;
    if (length < FileExtentItem.size) throw damaged(item, `${length} bytes, no file extent`);
    const address = u64(view, at + FileExtentItem.diskBytenr);
    const isHole = address === 0;
    if (isHole) return;
    if (this.#count === this.#address.length) this.#grow();
    const slot = this.#count++;
    this.#address[slot] = address;
    this.#bytes[slot] = u64(view, at + FileExtentItem.diskNumBytes);
    this.#isOwn[slot] = isOwn ? 1 : 0;
  }

  #grow(): void {
    const size = this.#address.length * 2;
    this.#address = grown(this.#address, size);
    this.#bytes = grown(this.#bytes, size);
    this.#isOwn = grown(this.#isOwn, size);
  }
}
