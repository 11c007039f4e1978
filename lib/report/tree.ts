/**
 * Where losses are: directories with what lies below them, the largest first.
 *
 * Names are kept for directories down to a depth alone; what is deeper adds to
 * the last of them, so that memory is bounded by the shown and not by the found.
 */
import { ByteSum, type Weight } from "../byte-sum.ts";
import { compareExact } from "../exact.ts";
import { visible } from "../text.ts";
import { jsonNumber, pathFields, toJson } from "./json.ts";
import { type Row, renderRows } from "./tree-rows.ts";

export interface TreeLimits {
  /** Levels below the top. */
  readonly depth: number;
  /** Columns of the terminal. */
  readonly width: number;
}

interface Node {
  /** The last name, as latin1; "" at the top. */
  readonly name: string;
  count: number;
  readonly bytes: ByteSum;
  /** Made with the first one: most of a tree's directories are its leaves. */
  children: Map<string, Node> | undefined;
}

const SLASH = 0x2f;
/** So many of a directory's children are shown, the rest is one line. */
const CHILDREN_SHOWN = 10;

export class LossTree {
  readonly #depth: number;
  readonly #top = nodeNamed("");

  constructor(depth: number) {
    this.#depth = depth;
  }

  get count(): number {
    return this.#top.count;
  }

  /** Adds a path to all directories above it. */
  add(path: Uint8Array, weight: Weight): void {
    let node = this.#top;
    addTo(node, weight);
    let start = 1;
    for (let level = 0; level < this.#depth; level++) {
      const end = path.indexOf(SLASH, start);
      if (end === -1) return;
      const name = Buffer.from(path.buffer, path.byteOffset + start, end - start).toString(
        "latin1",
      );
      node = childOf(node, name);
      addTo(node, weight);
      start = end + 1;
    }
  }

  /** Lines of at most so many cells, where that is no less than 20. */
  render({ width }: Pick<TreeLimits, "width">): string[] {
    return renderRows(rowsOf(this.#top, 0), width);
  }

  json(): string {
    const value = (node: Node, path: string): object => ({
      ...pathFields(Buffer.from(path === "" ? "/" : path, "latin1")),
      count: node.count,
      bytes: jsonNumber(node.bytes.total),
      children: largestFirst(node).map((child) => value(child, `${path}/${child.name}`)),
    });
    return toJson({ kind: "tree", ...value(this.#top, "") });
  }
}

function nodeNamed(name: string): Node {
  return { name, count: 0, bytes: new ByteSum(), children: undefined };
}

function childOf(node: Node, name: string): Node {
  node.children ??= new Map();
  let child = node.children.get(name);
  if (child === undefined) {
    child = nodeNamed(name);
    node.children.set(name, child);
  }
  return child;
}

function addTo(node: Node, weight: Weight): void {
  node.count++;
  node.bytes.add(weight);
}

/** A directory with what is shown below it. */
function rowsOf(node: Node, level: number): Row[] {
  const name = `${visible(Buffer.from(node.name, "latin1"))}/`;
  const children = largestFirst(node);
  const below = children.slice(0, CHILDREN_SHOWN).flatMap((child) => rowsOf(child, level + 1));
  const rest = children.slice(CHILDREN_SHOWN);
  return [
    { count: node.count, bytes: node.bytes.total, level, name },
    ...below,
    ...(rest.length === 0 ? [] : [rowOfRest(rest, level + 1)]),
  ];
}

function rowOfRest(rest: readonly Node[], level: number): Row {
  const bytes = new ByteSum();
  for (const each of rest) bytes.addSum(each.bytes);
  const count = rest.reduce((total, each) => total + each.count, 0);
  const name = `${rest.length} more ${rest.length === 1 ? "directory" : "directories"}`;
  return { count, bytes: bytes.total, level, name };
}

function largestFirst({ children }: Node): Node[] {
  const order = (a: Node, b: Node) =>
    compareExact(b.bytes.total, a.bytes.total) || b.count - a.count || (a.name < b.name ? -1 : 1);
  return [...(children?.values() ?? [])].sort(order);
}
