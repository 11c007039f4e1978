/** The comparison of two made-up trees, as lines. */
import { diffTrees } from "../../lib/btrfs/diff-trees.ts";
import { visible } from "../../lib/text.ts";
import { FakeTree, type Item } from "./fake-tree.ts";

/**
 * `STATUS type path` for each change, links with their text.
 *
 * @param read stands for reading a range of both files; none unless given
 */
export function differences(
  root: Item[],
  base?: Item[],
  read: (offset: number, length: number) => boolean = () => {
    throw new Error("read, though addresses tell");
  },
): string[] {
  const lines: string[] = [];
  const side = (items: Item[]) => ({
    reader: new FakeTree(items),
    inodes: new FakeTree(items),
    tree: 5,
  });
  const content = (_path: Uint8Array, _a: unknown, _b: unknown, offset: number, length: number) =>
    read(offset, length);
  diffTrees({ root: side(root), base: base && side(base) }, { content }, (change) => {
    const text = change.linkText();
    const link = text === undefined ? "" : ` -> ${visible(text)}`;
    lines.push(`${change.status} ${change.type} ${visible(change.path)}${link}`);
  });
  return lines;
}
