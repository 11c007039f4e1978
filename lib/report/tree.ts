/**
 * Where losses are: directories with what lies below them, the largest first.
 *
 * Names are kept for directories down to a depth alone; what is deeper adds to
 * the last of them, so that memory is bounded by the shown and not by the found.
 */
import { formatBytes, visible } from "../text.ts";
import { pathFields, toJson } from "./json.ts";

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
  bytes: number;
  readonly children: Map<string, Node>;
}

const SLASH = 0x2f;
/** So many of a directory's children are shown, the rest is one line. */
const CHILDREN_SHOWN = 10;
const BAR_WIDTH_MAX = 20;
const COUNT_WIDTH = 11;
const BYTES_WIDTH = 12;
const LEAST_NAME_WIDTH = 20;

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
  add(path: Uint8Array, bytes: number): void {
    let node = this.#top;
    addTo(node, bytes);
    let start = 1;
    for (let level = 0; level < this.#depth; level++) {
      const end = path.indexOf(SLASH, start);
      if (end === -1) return;
      const name = Buffer.from(path.buffer, path.byteOffset + start, end - start).toString(
        "latin1",
      );
      node = childOf(node, name);
      addTo(node, bytes);
      start = end + 1;
    }
  }

  render({ width }: Pick<TreeLimits, "width">): string[] {
    const lines: string[] = [];
    const bar = Math.min(
      BAR_WIDTH_MAX,
      Math.max(0, width - COUNT_WIDTH - BYTES_WIDTH - 4 - LEAST_NAME_WIDTH),
    );
    const nameWidth = Math.max(LEAST_NAME_WIDTH, width - COUNT_WIDTH - BYTES_WIDTH - bar - 4);
    const all = Math.max(1, this.#top.bytes);
    const line = (count: number, bytes: number, name: string) => {
      const filled = "█".repeat(Math.round((bytes / all) * bar)).padEnd(bar);
      const sum = formatBytes(Math.round(bytes)).padStart(BYTES_WIDTH);
      lines.push(
        `${sum} ${count.toLocaleString("en").padStart(COUNT_WIDTH)} ${filled} ${cut(name, nameWidth)}`,
      );
    };
    const show = (node: Node, level: number) => {
      const indent = "  ".repeat(level);
      line(node.count, node.bytes, level === 0 ? "/" : `${indent}${shown(node.name)}/`);
      const children = largestFirst(node);
      for (const child of children.slice(0, CHILDREN_SHOWN)) show(child, level + 1);
      const rest = children.slice(CHILDREN_SHOWN);
      if (rest.length === 0) return;
      const sum = (of: (node: Node) => number) => rest.reduce((total, each) => total + of(each), 0);
      const more = `${rest.length} more ${rest.length === 1 ? "directory" : "directories"}`;
      line(
        sum((each) => each.count),
        sum((each) => each.bytes),
        `${indent}  ${more}`,
      );
    };
    show(this.#top, 0);
    return lines;
  }

  json(): string {
    const value = (node: Node, path: string): object => ({
      ...pathFields(Buffer.from(path === "" ? "/" : path, "latin1")),
      count: node.count,
      bytes: Math.round(node.bytes),
      children: largestFirst(node).map((child) => value(child, `${path}/${child.name}`)),
    });
    return toJson({ kind: "tree", ...value(this.#top, "") });
  }
}

function nodeNamed(name: string): Node {
  return { name, count: 0, bytes: 0, children: new Map() };
}

function childOf(node: Node, name: string): Node {
  let child = node.children.get(name);
  if (child === undefined) {
    child = nodeNamed(name);
    node.children.set(name, child);
  }
  return child;
}

function addTo(node: Node, bytes: number): void {
  node.count++;
  node.bytes += bytes;
}

function largestFirst({ children }: Node): Node[] {
  const order = (a: Node, b: Node) =>
    b.bytes - a.bytes || b.count - a.count || (a.name < b.name ? -1 : 1);
  return [...children.values()].sort(order);
}

function shown(name: string): string {
  return visible(Buffer.from(name, "latin1"));
}

function cut(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `${characters.slice(0, width - 1).join("")}…`;
}
