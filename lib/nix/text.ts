/**
 * Values as Nix expressions, in one style: two spaces, a list's items and a set's
 * attributes on lines of their own (RFC 166 of NixOS, as nixfmt writes it).
 *
 * Strings come from a profile and may hold anything; whatever they hold, they stay
 * strings. See "String literal" and "Identifier" in the manual of Nix.
 */

/** Nix that is written as it is: never anything of a profile. */
export class Expression {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A function's name and what it is applied to, such as `lib.mkDefault "fr"`. */
export class Application {
  readonly function: string;
  readonly argument: NixValue;

  constructor(name: string, argument: NixValue) {
    this.function = name;
    this.argument = argument;
  }
}

/** An item of a list with lines above it, without the #. */
export class Commented {
  readonly comment: string;
  readonly value: NixValue;

  constructor(comment: string, value: NixValue) {
    this.comment = comment;
    this.value = value;
  }
}

/** Text over several lines, each with its newline: strings, and expressions put in between. */
export class IndentedString {
  readonly parts: readonly (string | Expression)[];

  constructor(parts: readonly (string | Expression)[]) {
    this.parts = parts;
  }
}

/** One attribute, such as `boot.initrd.systemd.enable = true;`. */
export interface Attribute {
  readonly path: readonly string[];
  readonly value: NixValue;
  /** Lines above it, without the #. */
  readonly comment?: string | undefined;
}

/** Attributes in their order; `undefined` leaves a blank line. */
export class NixSet {
  readonly attributes: readonly (Attribute | undefined)[];

  constructor(attributes: readonly (Attribute | undefined)[]) {
    this.attributes = attributes;
  }
}

export type NixValue =
  | Expression
  | Application
  | Commented
  | IndentedString
  | NixSet
  | string
  | number
  | boolean
  | readonly NixValue[];

/** @throws RangeError for what Nix has no literal for */
export function renderNix(value: NixValue): string {
  return linesOf(value).join("\n");
}

/** Attributes a line or more each, as they stand in a set or behind `let`. */
export function renderAttributes(attributes: NixSet["attributes"]): string[] {
  return attributes.flatMap((each) => (each === undefined ? [""] : attributeLines(each)));
}

/** An attribute by its path as it is written, for names that are all identifiers. */
export function attribute(path: string, value: NixValue, comment?: string): Attribute {
  return { path: path.split("."), value, comment };
}

/** Sections with a blank line between each two; those without attributes are left out. */
export function apart(sections: readonly (readonly Attribute[])[]): (Attribute | undefined)[] {
  const blank = [undefined];
  return sections
    .filter((section) => section.length > 0)
    .flatMap((section, index) => [...(index === 0 ? [] : blank), ...section]);
}

/** Attributes by name. */
export function set(values: Readonly<Record<string, NixValue>>): NixSet {
  return new NixSet(Object.entries(values).map(([name, value]) => ({ path: [name], value })));
}

/** A string literal on one line. @throws RangeError for NUL, which no string of Nix can hold */
export function nixString(text: string): string {
  refuseNul(text);
  // At its end too: what follows it within a longer string may be a brace.
  const escaped = text.replace(/[\\"\n\r\t]|\$(?=\{|$)/g, (found) => ESCAPES[found]!);
  return `"${escaped}"`;
}

/** What stands between the quotes of `nixString()`. */
export function insideString(text: string): string {
  return nixString(text).slice(1, -1);
}

/** An attribute's name, quoted where it is no identifier. */
export function nixName(name: string): string {
  return IDENTIFIER.test(name) && !KEYWORDS.has(name) ? name : nixString(name);
}

/** The words of a reason as a sentence, for a comment. */
export function sentence(words: string): string {
  return `${words.slice(0, 1).toUpperCase()}${words.slice(1)}.`;
}

/** A comment's lines. A carriage return ends one too, in Nix. */
export function commentLines(comment: string): string[] {
  return comment.split(/[\n\r]/).map((line) => (line === "" ? "#" : `# ${line}`));
}

/** An expression below the line that it belongs to. */
export function below(...lines: readonly string[]): Expression {
  return new Expression(["", ...lines.map(indented)].join("\n"));
}

export function indented(line: string): string {
  return line === "" ? "" : INDENT + line;
}

const ESCAPES: Readonly<Record<string, string>> = {
  "\\": "\\\\",
  '"': '\\"',
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  $: "\\$",
};
const IDENTIFIER = /^[A-Za-z_][\w'-]*$/;
const KEYWORDS = new Set("assert else if in inherit let or rec then with".split(" "));
const INDENT = "  ";
/** An item alone in its list stands on the attribute's line up to here. */
const SHORT_COLUMNS = 60;

function linesOf(value: NixValue): string[] {
  if (value instanceof Expression) return value.text.split("\n");
  if (value instanceof Application) return applicationLines(value);
  if (value instanceof Commented) return [...commentLines(value.comment), ...linesOf(value.value)];
  if (value instanceof IndentedString) return indentedStringLines(value);
  if (value instanceof NixSet) return setLines(value);
  if (typeof value === "string") return [nixString(value)];
  if (typeof value === "boolean") return [String(value)];
  if (typeof value === "number") return [numberText(value)];
  return listLines(value);
}

function applicationLines({ function: name, argument }: Application): string[] {
  const [first, ...rest] = itemLines(argument);
  return [`${name} ${first}`, ...rest];
}

function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return value < 0 ? `(${value})` : String(value);
  throw new RangeError(`${value} is no whole number`);
}

function listLines(items: readonly NixValue[]): string[] {
  const [first] = items;
  if (first === undefined) return ["[ ]"];
  const only = items.length === 1 ? itemLines(first) : [];
  if (only.length === 1 && only[0]!.length <= SHORT_COLUMNS) return [`[ ${only[0]} ]`];
  return ["[", ...items.flatMap(itemLines).map(indented), "]"];
}

/** An application must be in parentheses there, or it would be two items, or two arguments. */
function itemLines(item: NixValue): string[] {
  const lines = linesOf(item);
  if (!(item instanceof Application)) return lines;
  lines[0] = `(${lines[0]}`;
  lines[lines.length - 1] += ")";
  return lines;
}

function setLines({ attributes }: NixSet): string[] {
  if (attributes.length === 0) return ["{ }"];
  return ["{", ...renderAttributes(attributes).map(indented), "}"];
}

function attributeLines({ path, value, comment }: Attribute): string[] {
  const [first, ...rest] = linesOf(value);
  const name = path.map(nixName).join(".");
  // An expression that begins on the next line.
  const head = first === "" ? `${name} =` : `${name} = ${first}`;
  const lines = [head, ...rest];
  lines[lines.length - 1] += ";";
  return [...(comment === undefined ? [] : commentLines(comment)), ...lines];
}

/** Nix takes the indentation away again: that of the least indented line. */
function indentedStringLines({ parts }: IndentedString): string[] {
  const text = parts.map((part) =>
    typeof part === "string" ? inIndented(part) : antiquoted(part),
  );
  const lines = text.join("").split("\n");
  if (lines.pop() !== "") throw new RangeError("an indented string must end with a newline");
  return ["''", ...lines.map(indented), "''"];
}

function antiquoted({ text }: Expression): string {
  return `\${${text}}`;
}

function inIndented(text: string): string {
  refuseNul(text);
  // Only here and not in a literal, a carriage return could not be written.
  if (text.includes("\r")) throw new RangeError("an indented string can't hold a carriage return");
  // Before a quote or what is escaped with quotes; at its end, before whatever follows.
  return text.replace(/'(?=['$]|$)|\$(?=\{|$)/g, (found) => (found === "$" ? "''$" : "''\\'"));
}

function refuseNul(text: string): void {
  if (text.includes("\0")) throw new RangeError("a string of Nix can't hold NUL");
}
