/**
 * Patterns of find: those of persist.ignore, but for a path itself and not what lies
 * beneath. One without a slash is for a name in any directory, one that doesn't begin
 * with a slash for the end of a path.
 */
import { UsageFault } from "./fault.ts";
import { compileWhole, type Matcher } from "./profile/ignore.ts";
import { visible } from "./text.ts";

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const ANYWHERE = new TextEncoder().encode("/**/");

export interface Glob {
  /** What is to be held against the pattern: a name alone costs less than its path. */
  readonly of: "name" | "path";
  readonly matches: Matcher;
}

/** @throws UsageFault for a pattern that can match nothing */
export function compileGlob(pattern: Uint8Array): Glob {
  if (pattern.length === 0) throw fault(pattern, "empty, expected a pattern");
  if (pattern.includes(0)) throw fault(pattern, "one with a NUL, which no path has");
  if (endsOpen(pattern)) throw fault(pattern, "one that ends with a lone backslash");
  if (pattern.length > 1 && pattern.at(-1) === SLASH) {
    throw fault(pattern, "one that ends with a slash, which no path does");
  }
  if (pattern[0] === SLASH) return { of: "path", matches: compileWhole(pattern) };
  if (!pattern.includes(SLASH)) return { of: "name", matches: compileWhole(pattern) };
  return { of: "path", matches: compileWhole(Buffer.concat([ANYWHERE, pattern])) };
}

/** Whether any of the globs matches. @param path absolute */
export function matchesAny(globs: readonly Glob[], path: Uint8Array): boolean {
  const name = path.subarray(path.lastIndexOf(SLASH) + 1);
  return globs.some((glob) => glob.matches(glob.of === "name" ? name : path));
}

function endsOpen(pattern: Uint8Array): boolean {
  let count = 0;
  while (pattern.at(-1 - count) === BACKSLASH) count++;
  return count % 2 === 1;
}

function fault(pattern: Uint8Array, what: string): UsageFault {
  return new UsageFault(`Cannot find "${visible(pattern)}": the pattern is ${what}`, {
    hint: "* and ? stand for what is in one name, ** for any part of a path, a backslash takes the next character as it is",
  });
}
