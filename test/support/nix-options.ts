/**
 * Definitions of a configuration against the lists of options in test/fixtures: does
 * each have a name that is there, and a value of its type?
 *
 * A type is told by its description, which is all that the lists have. One that is not
 * known here is an error and never passes.
 */
import { readFileSync } from "node:fs";
import { join } from "node:path";

export const RELEASES = ["25.05", "25.11", "26.05"] as const;

/** Options that the lists leave out, because their type is the whole configuration. */
const UNTYPED = ["specialisation"];

interface Option {
  readonly type: string | undefined;
  /** By name; "*" stands for every name, and for every item of a list. */
  readonly children: Map<string, Option>;
}

/** The options of a release as a tree. */
export function readOptions(release: (typeof RELEASES)[number]): Option {
  const file = join(import.meta.dir, `../fixtures/nix-options/options-${release}.json`);
  const list: { name: string; type: string }[] = JSON.parse(readFileSync(file, "utf8"));
  const root: Node = { type: undefined, children: new Map() };
  for (const { name, type } of list) {
    let node = root;
    for (const part of name.split(".")) {
      const key = /^(?:\*|<.*>)$/.test(part) ? "*" : part;
      const next = node.children.get(key) ?? { type: undefined, children: new Map() };
      node.children.set(key, next);
      node = next;
    }
    node.type = type;
  }
  return root;
}

interface Node {
  type: string | undefined;
  readonly children: Map<string, Node>;
}

/** What is wrong, a line each: no such option, or a value of another type. */
export function optionFaults(options: Option, definitions: Record<string, unknown>): string[] {
  const typed = Object.entries(definitions).filter(([name]) => !UNTYPED.includes(name));
  return childFaults(options, Object.fromEntries(typed), []);
}

function faultsOf(option: Option, value: unknown, path: readonly string[]): string[] {
  const { type } = option;
  if (type === undefined) {
    return isSet(value) ? childFaults(option, value, path) : [`${at(path)} is no option`];
  }
  if (!type.includes("submodule")) {
    return hasType(type, value) ? [] : [`${at(path)} is ${show(value)}, expected ${type}`];
  }
  return submoduleFaults(option, type, value, path);
}

function submoduleFaults(
  option: Option,
  type: string,
  value: unknown,
  path: readonly string[],
): string[] {
  const each = option.children.get("*");
  if (type.startsWith("open submodule of ")) return openFaults(option, type, value, path);
  if (type.startsWith("attribute set of attribute set of ")) {
    throw new Error(`${at(path)}: nested sets of submodules are not checked`);
  }
  if (type.startsWith("attribute set of ") && isSet(value) && each !== undefined) {
    return Object.entries(value).flatMap(([name, item]) =>
      isSet(item) ? childFaults(each, item, [...path, name]) : [`${at([...path, name])} is no set`],
    );
  }
  if (type.startsWith("list of ") && Array.isArray(value) && each !== undefined) {
    const isPlain = type.includes("string convertible to it");
    return value.flatMap((item, index) => {
      if (isPlain && typeof item === "string") return [];
      const place = [...path, String(index)];
      return isSet(item) ? childFaults(each, item, place) : [`${at(place)} is no set`];
    });
  }
  if (/^\(?submodule\)?( or boolean convertible to it)?$/.test(type) && isSet(value)) {
    return childFaults(option, value, path);
  }
  return [`${at(path)} is ${show(value)}, expected ${type}`];
}

/** Listed options have their own type, all others that of the rest. */
function openFaults(
  option: Option,
  type: string,
  value: unknown,
  path: readonly string[],
): string[] {
  if (!isSet(value)) return [`${at(path)} is ${show(value)}, expected ${type}`];
  const rest = type.slice("open submodule of ".length);
  return Object.entries(value).flatMap(([name, item]) => {
    const known = option.children.get(name);
    if (known !== undefined) return faultsOf(known, item, [...path, name]);
    return hasType(rest, { [name]: item }) ? [] : [`${at([...path, name])} is ${show(item)}`];
  });
}

function childFaults(
  option: Option,
  value: Record<string, unknown>,
  path: readonly string[],
): string[] {
  return Object.entries(value).flatMap(([name, item]) => {
    const child = option.children.get(name) ?? option.children.get("*");
    const place = [...path, name];
    return child === undefined ? [`${at(place)} is no option`] : faultsOf(child, item, place);
  });
}

type Test = (value: unknown) => boolean;

const isString: Test = (value) => typeof value === "string";
const isBoolean: Test = (value) => typeof value === "boolean";
const isWhole: Test = (value) => Number.isSafeInteger(value);
const isNumber: Test = (value) => typeof value === "number";
const isLine: Test = (value) => isString(value) && !/\n./.test(value as string);
const isPath: Test = (value) => isString(value) && (value as string).startsWith("/");
const isAnything: Test = () => true;

/** What evaluate.nix has in the place of packages. */
const isPackage: Test = (value) => isString(value) && (value as string).startsWith("package ");
const ofSystemd: Test = (value) =>
  [isString, isBoolean, isNumber].some((test) => test(value)) ||
  (Array.isArray(value) && value.every(isString));

const PLAIN: Readonly<Record<string, Test>> = {
  boolean: isBoolean,
  string: isString,
  "raw value": isAnything,
  "unspecified value": isAnything,
  anything: isAnything,
  package: isPackage,
  "signed integer": isWhole,
  "floating point number": isNumber,
  "absolute path": isPath,
  "attribute set": (value) => isSet(value),
  "(attribute set)": (value) => isSet(value),
  "(systemd option)": ofSystemd,
  "non-empty string": (value) => isString(value) && (value as string).trim() !== "",
  "string (with check: non-empty)": (value) => isString(value) && (value as string).trim() !== "",
  "(optionally newline-terminated) single-line string": isLine,
  'strings concatenated with "\\n"': isString,
  "string, not containing newlines or colons": (value) =>
    isString(value) && !/[\n:]/.test(value as string),
  "(attribute set of boolean) or (list of string) convertible to it": (value) =>
    hasType("attribute set of boolean", value) || hasType("list of string", value),
  "non-empty (list of string (with check: non-empty))": (value) =>
    hasType("list of string (with check: non-empty)", value) && (value as unknown[]).length > 0,
};

/** Whether a value has a type without submodules. @throws Error for a type that is not known */
export function hasType(type: string, value: unknown): boolean {
  const plain = PLAIN[type];
  if (plain !== undefined) return plain(value);
  const inner = /^\((.*)\)$/.exec(type)?.[1];
  if (inner !== undefined && isBalanced(inner)) return hasType(inner, value);
  const pattern = /^string matching the pattern (.*)$/s.exec(type)?.[1];
  if (pattern !== undefined) return isString(value) && posix(pattern).test(value as string);
  const words = /^one of (".*")$/.exec(type)?.[1];
  if (words !== undefined) return JSON.parse(`[${words}]`).includes(value);
  const item = /^list of (.*)$/s.exec(type)?.[1];
  if (item !== undefined) {
    return Array.isArray(value) && value.every((each) => hasType(item, each));
  }
  const member = /^attribute set of (.*)$/s.exec(type)?.[1];
  if (member !== undefined) {
    return isSet(value) && Object.values(value).every((each) => hasType(member, each));
  }
  const nullable = /^null or (.*)$/s.exec(type)?.[1];
  if (nullable !== undefined) return value === null || hasType(nullable, value);
  const choices = type.split(" or ");
  if (choices.length > 1) return choices.some((choice) => hasType(choice, value));
  throw new Error(`the type "${type}" is not known to the test`);
}

/** As Nix reads it: the whole string, and POSIX in brackets, where a backslash is itself. */
function posix(pattern: string): RegExp {
  const brackets = pattern.replaceAll("[:alnum:]", "A-Za-z0-9").replace("_.\\-]", "_.\\\\-]");
  return new RegExp(`^(?:${brackets})$`);
}

function isBalanced(text: string): boolean {
  let depth = 0;
  for (const char of text) {
    if (char === "(") depth++;
    if (char === ")" && --depth < 0) return false;
  }
  return depth === 0;
}

function isSet(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function at(path: readonly string[]): string {
  return path.join(".");
}

function show(value: unknown): string {
  return JSON.stringify(value).slice(0, 80);
}
