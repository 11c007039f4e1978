/**
 * Where a profile's lists are, or would be: `files = []` below `[persist]`, a dotted key,
 * an inline table, or `[[persist.files]]`.
 */
import type { AST } from "toml-eslint-parser";
import type { PersistEntry } from "../../profile.ts";
import { addToSequence, listText } from "./sequence.ts";
import type { Insertion, Range, Source } from "./source.ts";
import { entryPairs, entryText, quoteOf } from "./values.ts";

export type ListName = "directories" | "files";

const TABLE = "persist";

/** What a profile says of `persist`. */
export class PersistTable {
  readonly #source: Source;
  /** `[persist]`. */
  #header: AST.TOMLTable | undefined;
  /** `persist = { … }`. */
  #inline: AST.TOMLInlineTable | undefined;
  /** Its keys, in order, however they are written. */
  readonly #pairs: Array<{ name: string; node: AST.TOMLKeyValue }> = [];
  /** `[[persist.files]]`, by the name of the list. */
  readonly #tables = new Map<string, AST.TOMLTable[]>();

  constructor(source: Source) {
    this.#source = source;
    for (const node of source.body) {
      if (node.type === "TOMLKeyValue") this.#addTopPair(node);
      else this.#addTable(node);
    }
  }

  /** To add to a list that is there; undefined where it isn't. */
  addTo(list: ListName, entries: readonly PersistEntry[]): Insertion[] | undefined {
    const value = this.#pairs.find(({ name }) => name === list)?.node.value;
    if (value?.type === "TOMLArray") {
      const quote = quoteOf(value.elements);
      const items = value.elements.map(({ range }) => range);
      const values = entries.map((entry) => entryText(entry, quote));
      return addToSequence(this.#source, { range: value.range, items }, values);
    }
    const tables = this.#tables.get(list);
    return tables === undefined ? undefined : [this.#tablesBehind(tables, list, entries)];
  }

  /** To make lists that are not there. */
  make(lists: ReadonlyMap<ListName, readonly PersistEntry[]>): Insertion[] {
    if (this.#inline !== undefined) return this.#makeInline(this.#inline, lists);
    const sibling = this.#sibling();
    if (sibling !== undefined) return [this.#makeBehind(sibling, lists)];
    if (this.#header !== undefined) {
      const end = this.#header.key.range[1];
      const lines = this.#linesOf(lists, {
        indent: this.#source.indentOf(end),
        before: "",
        at: end,
      });
      return [{ at: this.#source.lineEnd(end), text: lines }];
    }
    const [tables] = this.#tables.values();
    if (tables === undefined) return [this.#makeTable(lists)];
    return [...lists].map(([list, entries]) => this.#tablesBehind(tables, list, entries));
  }

  #addTopPair(node: AST.TOMLKeyValue): void {
    const [first, second, ...rest] = node.key.keys.map(nameOf);
    if (first !== TABLE || rest.length > 0) return;
    if (second !== undefined) this.#pairs.push({ name: second, node });
    else if (node.value.type === "TOMLInlineTable") {
      this.#inline = node.value;
      this.#addPairs(node.value.body);
    }
  }

  #addTable(node: AST.TOMLTable): void {
    const [first, second] = node.resolvedKey;
    if (first !== TABLE) return;
    if (second === undefined) {
      this.#header = node;
      this.#addPairs(node.body);
    } else if (node.kind === "array") {
      const name = String(second);
      this.#tables.set(name, [...(this.#tables.get(name) ?? []), node]);
    }
  }

  #addPairs(nodes: readonly AST.TOMLKeyValue[]): void {
    for (const node of nodes) {
      const [name, ...rest] = node.key.keys.map(nameOf);
      if (rest.length === 0) this.#pairs.push({ name: name!, node });
    }
  }

  /** The pair that a new list goes behind: the other list, or the last there is. */
  #sibling(): AST.TOMLKeyValue | undefined {
    const list = this.#pairs.find(({ name }) => name === "directories" || name === "files");
    return (list ?? this.#pairs.at(-1))?.node;
  }

  #makeInline(table: AST.TOMLInlineTable, lists: ReadonlyMap<ListName, readonly PersistEntry[]>) {
    const items = table.body.map(({ range }) => range);
    const values = [...lists].map(([list, entries]) => {
      const texts = entries.map((entry) => entryText(entry, this.#quote()));
      return `${list} = [${texts.join(", ")}]`;
    });
    const range: Range = table.range;
    // Within braces a blank is usual, and none is there to be seen in an empty pair.
    const isBare = items.length === 0 && this.#source.slice(range) === "{}";
    return isBare
      ? [{ at: range[0] + 1, text: ` ${values.join(", ")} ` }]
      : addToSequence(this.#source, { range, items }, values);
  }

  #makeBehind(
    node: AST.TOMLKeyValue,
    lists: ReadonlyMap<ListName, readonly PersistEntry[]>,
  ): Insertion {
    const [at, end] = node.range;
    const before = this.#source.slice([at, node.key.keys.at(-1)!.range[0]]);
    const lines = this.#linesOf(lists, { indent: this.#source.indentOf(at), before, at });
    return { at: this.#source.lineEnd(end), text: lines };
  }

  #makeTable(lists: ReadonlyMap<ListName, readonly PersistEntry[]>): Insertion {
    const { text } = this.#source;
    const newline = this.#source.newlineAt(0);
    const end = text === "" || text.endsWith("\n") ? "" : newline;
    const lines = this.#linesOf(lists, { indent: "", before: "", at: 0 });
    return { at: text.length, text: `${end}${newline}[${TABLE}]${lines}${newline}` };
  }

  /** Each on a line that begins with the end of the line before. */
  #linesOf(
    lists: ReadonlyMap<ListName, readonly PersistEntry[]>,
    { indent, before, at }: { indent: string; before: string; at: number },
  ): string {
    const newline = this.#source.newlineAt(at);
    const deeper = this.#source.deeper(indent);
    return [...lists]
      .map(([list, entries]) => {
        const values = entries.map((entry) => entryText(entry, this.#quote()));
        const text = listText(`${before}${list} = `, values, { indent, deeper, newline });
        return `${newline}${indent}${text}`;
      })
      .join("");
  }

  /** `[[persist.files]]` for each entry, behind the last of `tables`. */
  #tablesBehind(
    tables: readonly AST.TOMLTable[],
    list: ListName,
    entries: readonly PersistEntry[],
  ): Insertion {
    const last = tables.at(-1)!;
    const end = last.range[1];
    const newline = this.#source.newlineAt(last.range[0]);
    const quote = quoteOf(last.body.map(({ value }) => value));
    const headerIndent = this.#source.indentOf(last.range[0]);
    const pairIndent =
      last.body[0] === undefined ? "" : this.#source.indentOf(last.body[0].range[0]);
    const texts = entries.map((entry) => {
      const pairs = entryPairs(entry, quote).map((pair) => `${newline}${pairIndent}${pair}`);
      return `${newline}${newline}${headerIndent}[[${TABLE}.${list}]]${pairs.join("")}`;
    });
    return { at: this.#source.lineEnd(end), text: texts.join("") };
  }

  /** Of what the table has. */
  #quote() {
    return quoteOf(
      this.#pairs.flatMap(({ node: { value } }) =>
        value.type === "TOMLArray" ? value.elements : [value],
      ),
    );
  }
}

function nameOf(key: AST.TOMLBare | AST.TOMLQuoted): string {
  return key.type === "TOMLBare" ? key.name : key.value;
}
