/** The subvolumes nested in others, as the root tree has them: by id, whatever their names. */
import { ROOT_REF_KEY, ROOT_TREE_OBJECTID } from "./format.ts";
import { ItemCursor } from "./item-cursor.ts";
import type { TreeReader } from "./tree-reader.ts";

/** The trees of a subvolume and of all that are nested in it at any depth, each behind its parent. */
export function treesWithNested(reader: TreeReader, tree: number): number[] {
  const cursor = new ItemCursor(reader);
  const trees = new Set([tree]);
  for (const parent of trees) {
    cursor.aim(ROOT_TREE_OBJECTID, parent, ROOT_REF_KEY, ROOT_REF_KEY);
    while (cursor.next()) trees.add(cursor.offset);
  }
  return [...trees];
}
