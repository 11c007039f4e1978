/** Entries of the lists as TOML, in the quotes that a list has already. */
import type { AST } from "toml-eslint-parser";
import type { PersistEntry } from "../../profile.ts";

export type Quote = '"' | "'";

/** What `visible()` escapes: in a file too, a name must not read as another. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

/** Of the last string, also where it is the path of a table. */
export function quoteOf(items: readonly AST.TOMLContentNode[]): Quote {
  for (const item of items.toReversed()) {
    const style = styleOf(item);
    if (style !== undefined) return style === "literal" ? "'" : '"';
  }
  return '"';
}

/** A path, or a table where there is more to say. */
export function entryText(entry: PersistEntry, quote: Quote): string {
  const fields = entryPairs(entry, quote);
  const [only] = fields;
  if (fields.length === 1 && only !== undefined) return stringText(entry.path, quote);
  return `{ ${fields.join(", ")} }`;
}

/** As lines of a table: `path = "/x"`, and the rest that there is to say. */
export function entryPairs({ path, user, group, mode }: PersistEntry, quote: Quote): string[] {
  return Object.entries({ path, user, group, mode }).flatMap(([key, value]) =>
    value === undefined ? [] : [`${key} = ${stringText(value, quote)}`],
  );
}

function stringText(text: string, quote: Quote): string {
  const isLiteral = quote === "'" && !text.includes("'") && text.search(UNSEEN) === -1;
  if (isLiteral) return `'${text}'`;
  const escaped = text.replace(/["\\]/g, (char) => `\\${char}`).replace(UNSEEN, escapeUnseen);
  return `"${escaped}"`;
}

function escapeUnseen(char: string): string {
  return `\\U${char.codePointAt(0)!.toString(16).padStart(8, "0")}`;
}

function styleOf(item: AST.TOMLContentNode): "basic" | "literal" | undefined {
  if (item.type === "TOMLValue") return item.kind === "string" ? item.style : undefined;
  if (item.type !== "TOMLInlineTable") return undefined;
  return item.body.map(({ value }) => styleOf(value)).find((style) => style !== undefined);
}
