/**
 * Which inodes of a subvolume may have changed since a transaction, and which
 * directories lead to them: all else need not be looked at.
 *
 * The kernel leaves out what was not written since by the block, so most of what
 * it returns are unchanged neighbours; an inode says by itself in which
 * transaction it was last written. Whatever happens to a file or to the entries
 * of a directory is written to its inode. Metadata that were only moved (a
 * balance) make this slower, not wrong.
 */
import { damaged } from "./damage.ts";
import {
  FIRST_FREE_OBJECTID,
  INODE_EXTREF_KEY,
  INODE_ITEM_KEY,
  INODE_REF_KEY,
  InodeExtref,
  InodeItem,
  InodeRef,
  ROOT_REF_KEY,
  ROOT_TREE_OBJECTID,
  RootRef,
} from "./format.ts";
import { InodeSet } from "./inode-set.ts";
import { ItemCursor, u64 } from "./item-cursor.ts";
import type { TreeReader } from "./tree-reader.ts";

/** What may have changed. */
export interface Touched {
  /** Such inodes, directories among them. */
  readonly inodes: Pick<InodeSet, "has" | "size">;
  /** Directories with one of these below them, at any depth. */
  readonly above: Pick<InodeSet, "has">;
}

/**
 * Reads what was touched in a tree.
 *
 * @param since the transaction from which on a change counts
 * @param others trees whose nested subvolumes count as touched too, where their
 *   directories have the same number: a snapshot doesn't take them along
 */
export function readTouched(
  reader: TreeReader,
  tree: number,
  since: number,
  others: readonly number[] = [],
): Touched {
  const search = new Search(new ItemCursor(reader), tree);
  search.scan(since);
  search.addNested(tree, search.above);
  for (const other of others) search.addNested(other, search.inodes);
  search.climb();
  return search;
}

class Search implements Touched {
  readonly inodes = new InodeSet();
  readonly above = new InodeSet();
  readonly #cursor: ItemCursor;
  readonly #tree: number;
  /** Inodes whose directories are still to be asked for. */
  readonly #waiting: number[] = [];
  /** Inodes whose directories are known. */
  readonly #climbed = new InodeSet();

  constructor(cursor: ItemCursor, tree: number) {
    this.#cursor = cursor;
    this.#tree = tree;
  }

  scan(since: number): void {
    const cursor = this.#cursor;
    let inode = 0;
    let names = 0;
    cursor.aimAtAll(this.#tree, since);
    while (cursor.next()) {
      if (cursor.type === INODE_ITEM_KEY) {
        this.#finish(inode, names);
        inode = 0;
        requireLength(cursor, InodeItem.size);
        if (u64(cursor.view, cursor.at + InodeItem.transid) < since) continue;
        inode = cursor.objectid;
        names = cursor.view.getUint32(cursor.at + InodeItem.links, true);
        this.inodes.add(inode);
      } else if (cursor.objectid === inode && cursor.type <= INODE_EXTREF_KEY) {
        names -= this.#addParents();
      }
    }
    this.#finish(inode, names);
  }

  /** The names follow the inode, but may lie in a block that was not written. */
  #finish(inode: number, namesMissing: number): void {
    if (inode === 0) return;
    if (namesMissing === 0) this.#climbed.add(inode);
    else this.#waiting.push(inode);
  }

  /** The directories that hold the entries of nested subvolumes, themselves trees. */
  addNested(tree: number, to: InodeSet): void {
    const cursor = this.#cursor;
    cursor.aim(ROOT_TREE_OBJECTID, tree, ROOT_REF_KEY, ROOT_REF_KEY);
    while (cursor.next()) {
      requireLength(cursor, RootRef.size);
      const directory = u64(cursor.view, cursor.at + RootRef.dirid);
      to.add(directory);
      this.#waiting.push(directory);
    }
  }

  /** Finds the directories above, up to the top. */
  climb(): void {
    const cursor = this.#cursor;
    for (let inode = this.#waiting.pop(); inode !== undefined; inode = this.#waiting.pop()) {
      if (inode === FIRST_FREE_OBJECTID || !this.#climbed.add(inode)) continue;
      cursor.aim(this.#tree, inode, INODE_REF_KEY, INODE_EXTREF_KEY);
      while (cursor.next()) this.#addParents();
    }
  }

  /** @returns how many names the item holds */
  #addParents(): number {
    const item = this.#cursor;
    const isExtref = item.type === INODE_EXTREF_KEY;
    const { nameLength, size } = isExtref ? InodeExtref : InodeRef;
    let names = 0;
    for (let used = 0; used < item.length; names++) {
      const at = item.at + used;
      const length = used + size > item.length ? 0 : item.view.getUint16(at + nameLength, true);
      used += size + length;
      if (length === 0 || used > item.length) {
        throw damaged(item, `${item.length} bytes, not a sequence of names`);
      }
      this.#addAbove(isExtref ? u64(item.view, at + InodeExtref.parent) : item.offset);
    }
    return names;
  }

  #addAbove(directory: number): void {
    if (this.above.add(directory)) this.#waiting.push(directory);
  }
}

function requireLength(item: ItemCursor, size: number): void {
  if (item.length < size) {
    throw damaged(item, `${item.length} bytes, expected at least ${size}`);
  }
}
