/**
 * A text of TOML as somebody laid it out: its lines, their ends and indentation, and
 * which comma follows which value. Offsets are those of the string.
 */
import { type AST, parseTOML } from "toml-eslint-parser";

/** Text that goes in before an offset. */
export interface Insertion {
  readonly at: number;
  readonly text: string;
}

export type Range = readonly [start: number, end: number];

const UNIT = "  ";

export class Source {
  readonly text: string;
  /** Pairs before the first table, and the tables. */
  readonly body: AST.TOMLTopLevelTable["body"];
  readonly #program: AST.TOMLProgram;

  /** @throws ParseError for what is no TOML to this parser */
  constructor(text: string) {
    this.text = text;
    this.#program = parseTOML(text, { tomlVersion: "1.1.0" });
    this.body = this.#program.body[0].body;
  }

  slice([start, end]: Range): string {
    return this.text.slice(start, end);
  }

  lineStart(at: number): number {
    return this.text.lastIndexOf("\n", at - 1) + 1;
  }

  /** Before the line's end, or at the end of the text. */
  lineEnd(at: number): number {
    const newline = this.text.indexOf("\n", at);
    if (newline === -1) return this.text.length;
    return this.text[newline - 1] === "\r" ? newline - 1 : newline;
  }

  /** The blanks that the line of an offset begins with. */
  indentOf(at: number): string {
    return /^[ \t]*/.exec(this.text.slice(this.lineStart(at)))![0];
  }

  /** Whether only blanks stand before it on its line. */
  isFirstOnLine(at: number): boolean {
    return /^[ \t]*$/.test(this.text.slice(this.lineStart(at), at));
  }

  /** How the line of an offset ends; the last one, as the first does. */
  newlineAt(at: number): string {
    const end = this.text.indexOf("\n", at);
    const newline = end === -1 ? this.text.indexOf("\n") : end;
    return this.text[newline - 1] === "\r" ? "\r\n" : "\n";
  }

  /** One step further in than another line. */
  deeper(indent: string): string {
    return indent + (indent.includes("\t") ? "\t" : UNIT);
  }

  /** Behind the comma that follows a value, where one does. */
  behindComma(end: number): number | undefined {
    const next = this.#program.tokens.find(({ range }) => range[0] >= end);
    return next?.value === "," && next.type === "Punctuator" ? next.range[1] : undefined;
  }

  /** The last comment within, where it has a line of its own. */
  lastCommentLine([start, end]: Range): number | undefined {
    const within = this.#program.comments.filter(
      ({ range }) => range[0] >= start && range[1] <= end && this.isFirstOnLine(range[0]),
    );
    return within.at(-1)?.range[0];
  }
}

/** The text with all of them in it; of two at one place the first comes first. */
export function insertAll(text: string, insertions: readonly Insertion[]): string {
  const inOrder = insertions.toSorted((a, b) => a.at - b.at);
  let done = 0;
  let out = "";
  for (const { at, text: piece } of inOrder) {
    out += text.slice(done, at) + piece;
    done = at;
  }
  return out + text.slice(done);
}
