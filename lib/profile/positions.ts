/**
 * Where in the file a key stands, for errors.
 *
 * The parser of profiles keeps no positions, so the text is parsed a second time
 * by one that does; both are loaded by nobody but whoever has an error to show.
 */
import { type AST, ParseError, parseTOML } from "toml-eslint-parser";
import { DEPTH_MAX, type KeyPath } from "./fault.ts";

/** Both count from 1. */
export interface Position {
  readonly line: number;
  readonly column: number;
}

export interface SyntaxError extends Position {
  readonly message: string;
}

interface Place {
  readonly key: Position;
  readonly value: Position;
}

/** Where the keys of a text stand; or why it is no TOML. */
export class Positions {
  readonly syntaxError: SyntaxError | undefined;
  readonly #places = new Map<string, Place>();

  constructor(text: string) {
    try {
      const { body } = parseTOML(text, { tomlVersion: "1.1.0" });
      for (const node of body[0].body) this.#addTop(node);
    } catch (error) {
      this.syntaxError = syntaxErrorOf(error);
    }
  }

  /** The place of a key or its value; of a missing one, the table that should have it. */
  find(path: KeyPath, atKey: boolean): Position {
    const place = this.#places.get(JSON.stringify(path));
    if (place !== undefined) return atKey ? place.key : place.value;
    for (let length = path.length - 1; length > 0; length--) {
      const table = this.#places.get(JSON.stringify(path.slice(0, length)));
      if (table !== undefined) return table.key;
    }
    return { line: 1, column: 1 };
  }

  #addTop(node: AST.TOMLTable | AST.TOMLKeyValue): void {
    if (node.type === "TOMLKeyValue") {
      this.#addPair(node, []);
      return;
    }
    const path = node.resolvedKey;
    const names = [...node.key.keys];
    let at = start(node.key);
    for (let length = 1; length <= Math.min(path.length, DEPTH_MAX); length++) {
      // An index of `[[…]]` has no word of its own in the header.
      if (typeof path[length - 1] === "string") at = start(names.shift()!);
      this.#add(path.slice(0, length), { key: at, value: at });
    }
    for (const pair of node.body) this.#addPair(pair, path);
  }

  #addPair(pair: AST.TOMLKeyValue, table: KeyPath): void {
    let path = table;
    for (const key of pair.key.keys.slice(0, DEPTH_MAX)) {
      path = [...path, key.type === "TOMLBare" ? key.name : key.value];
      this.#add(path, { key: start(key), value: start(pair.value) });
    }
    this.#addContent(pair.value, path);
  }

  #addContent(content: AST.TOMLContentNode, path: KeyPath): void {
    if (path.length > DEPTH_MAX) return;
    if (content.type === "TOMLInlineTable") {
      for (const pair of content.body) this.#addPair(pair, path);
    } else if (content.type === "TOMLArray") {
      content.elements.forEach((element, index) => {
        const at = start(element);
        this.#add([...path, index], { key: at, value: at });
        this.#addContent(element, [...path, index]);
      });
    }
  }

  /** The first place counts: a table's own header before the headers below it. */
  #add(path: KeyPath, place: Place): void {
    const name = JSON.stringify(path);
    if (!this.#places.has(name)) this.#places.set(name, place);
  }
}

function start(node: AST.TOMLNode): Position {
  return { line: node.loc.start.line, column: node.loc.start.column + 1 };
}

function syntaxErrorOf(error: unknown): SyntaxError {
  if (error instanceof ParseError) {
    return { line: error.lineNumber, column: error.column + 1, message: error.message };
  }
  // The parser calls itself for each level of nesting.
  if (error instanceof RangeError) {
    return { line: 1, column: 1, message: "nested beyond all that could be meant" };
  }
  throw error;
}
