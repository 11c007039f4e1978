/**
 * The repository's own files as data, for the rules that test/unit/house.test.ts
 * puts to them. Rules get a map of texts, so that a made-up file can be put to
 * them as well.
 */
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, posix } from "node:path";

/** Text by path below the repository. */
export type Sources = ReadonlyMap<string, string>;

export interface Import {
  readonly from: string;
  /** As written, or below the repository where it is relative. */
  readonly to: string;
  /** Erased before anything runs. */
  readonly typeOnly: boolean;
  /** The names taken; empty for a namespace, a default or a dynamic import. */
  readonly names: readonly string[];
}

const ROOT = join(import.meta.dir, "../..");
const FOLDERS = ["lib", "scripts", "tools", "demo", "bench", "test"];

export function readSources(): Sources {
  const sources = new Map<string, string>();
  for (const folder of FOLDERS.filter((name) => existsSync(join(ROOT, name)))) {
    for (const entry of readdirSync(join(ROOT, folder), { recursive: true, withFileTypes: true })) {
      const path = join(entry.parentPath, entry.name);
      if (!entry.isFile() || !/\.(?:ts|sh)$/.test(entry.name)) continue;
      sources.set(path.slice(ROOT.length + 1), readFileSync(path, "utf8"));
    }
  }
  return sources;
}

/** Every import of a file: static, dynamic, by `require`, and of types. */
export function importsOf(from: string, text: string): Import[] {
  const imports: Import[] = [];
  const add = (to: string, typeOnly: boolean, names: readonly string[] = []) =>
    imports.push({ from, to: resolveFrom(from, to), typeOnly, names });
  const code = withoutComments(text);
  const statement = /^(?:import|export)\s+(type\s+)?([^;"]*?)\s*from\s*"([^"]+)"/gm;
  for (const [, type, clause, to] of code.matchAll(statement)) {
    const names = namesIn(clause!);
    const erased = names.length > 0 && names.every((name) => name.startsWith("type "));
    add(
      to!,
      type !== undefined || erased,
      names.filter((name) => !name.startsWith("type ")),
    );
  }
  for (const [, to] of code.matchAll(/^import\s+"([^"]+)"/gm)) add(to!, false);
  // What another thread runs.
  for (const [, to] of code.matchAll(/new URL\("(\.[^"]+\.ts)", import\.meta\.url\)/g)) {
    add(to!, false);
  }
  for (const [, type, to] of code.matchAll(/(typeof\s+)?\b(?:import|require)\(\s*"([^"]+)"/g)) {
    add(to!, type !== undefined);
  }
  return imports;
}

/** The code without its comments, line for line; a slash-slash in a string (an address) stays. */
export function withoutComments(text: string): string {
  const lines = (comment: string) => comment.replace(/[^\n]/g, "");
  return text.replace(/\/\*[\s\S]*?\*\//g, lines).replace(/(^|[^:"'`\\])\/\/.*$/gm, "$1");
}

function namesIn(clause: string): string[] {
  const braces = /\{([^}]*)\}/.exec(clause);
  if (braces === null) return [];
  return braces[1]!
    .split(",")
    .map((name) => name.trim().replace(/ as .*$/, ""))
    .filter((name) => name !== "");
}

function resolveFrom(from: string, to: string): string {
  return to.startsWith(".") ? posix.join(posix.dirname(from), to) : to;
}
