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

export type NixValue = Expression | NixSet | string | number | boolean | readonly NixValue[];

/** @throws RangeError for what Nix has no literal for */
export function renderNix(value: NixValue): string {
  return linesOf(value).join("\n");
}

/** A string literal on one line. @throws RangeError for NUL, which no string of Nix can hold */
export function nixString(text: string): string {
  if (text.includes("\0")) throw new RangeError("a string of Nix can't hold NUL");
  const escaped = text.replace(/[\\"\n\r\t]|\$(?=\{)/g, (found) => ESCAPES[found]!);
  return `"${escaped}"`;
}

/** An attribute's name, quoted where it is no identifier. */
export function nixName(name: string): string {
  return IDENTIFIER.test(name) && !KEYWORDS.has(name) ? name : nixString(name);
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

function linesOf(value: NixValue): string[] {
  if (value instanceof Expression) return value.text.split("\n");
  if (value instanceof NixSet) return setLines(value);
  if (typeof value === "string") return [nixString(value)];
  if (typeof value === "boolean") return [String(value)];
  if (typeof value === "number") return [numberText(value)];
  return listLines(value);
}

function numberText(value: number): string {
  if (Number.isSafeInteger(value)) return value < 0 ? `(${value})` : String(value);
  throw new RangeError(`${value} is no whole number`);
}

function listLines(items: readonly NixValue[]): string[] {
  const [first] = items;
  if (first === undefined) return ["[ ]"];
  const only = items.length === 1 ? linesOf(first) : [];
  if (only.length === 1) return [`[ ${only[0]} ]`];
  return ["[", ...items.flatMap(linesOf).map(indented), "]"];
}

function setLines({ attributes }: NixSet): string[] {
  if (attributes.length === 0) return ["{ }"];
  const lines = attributes.flatMap((each) => (each === undefined ? [""] : attributeLines(each)));
  return ["{", ...lines.map(indented), "}"];
}

function attributeLines({ path, value, comment }: Attribute): string[] {
  const [first, ...rest] = linesOf(value);
  const head = `${path.map(nixName).join(".")} = ${first}`;
  const lines = [head, ...rest];
  lines[lines.length - 1] += ";";
  const above = comment?.split("\n").map((line) => (line === "" ? "#" : `# ${line}`)) ?? [];
  return [...above, ...lines];
}

function indented(line: string): string {
  return line === "" ? "" : INDENT + line;
}
