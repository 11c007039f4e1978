/** The ignore patterns, against a slow and plain reading of the same rules. */
import { describe, expect, test } from "bun:test";
import { compileIgnore, ignorePatternFault, overlaps } from "../../lib/profile/ignore.ts";

const bytes = (text: string) => new TextEncoder().encode(text);
const matches = (pattern: string, path: string | Uint8Array) =>
  compileIgnore([pattern])(typeof path === "string" ? bytes(path) : path);

describe("compileIgnore()", () => {
  test.each([
    ["takes a path itself", "/etc/.clean", "/etc/.clean", true],
    ["takes all beneath a directory", "/var/cache", "/var/cache/a/b", true],
    ["takes no neighbour that begins alike", "/var/cache", "/var/cached", false],
    ["is anchored", "/clean", "/etc/clean", false],
    ["takes * within a name", "/etc/*.conf", "/etc/a.conf", true],
    ["takes * as nothing", "/etc/a*", "/etc/a", true],
    ["stops * at a slash", "/etc/*.conf", "/etc/a/b.conf", false],
    ["takes * with a dot in front", "/root/*", "/root/.cache", true],
    ["takes what lies beneath a match of *", "/home/*/tmp", "/home/a/tmp/x", true],
    ["backtracks over several *", "/a*b*c", "/abxbyc", true],
    ["takes ** across names", "/var/**/cache", "/var/a/b/cache", true],
    ["takes /**/ as no name", "/var/**/cache", "/var/cache", true],
    ["takes no half a name for /**/", "/var/**/cache", "/var/a/xcache", false],
    ["takes ** at the end for all beneath", "/var/c/**", "/var/c/d/e", true],
    ["takes not the directory of /**", "/var/c/**", "/var/c", false],
    ["takes ** within a name across names", "/a**z", "/ab/c/yz", true],
    ["takes ** in front of all", "/**/.cache", "/home/a/.cache/b", true],
    ["takes ? for one character", "/a?c", "/abc", true],
    ["takes ? for no slash", "/a?c", "/a/c", false],
    ["takes ? for nothing less", "/a?c", "/ac", false],
    ["takes ? for a character of two bytes", "/a?c", "/aéc", true],
    ["takes ? for a character of four bytes", "/a?c", "/a😀c", true],
    ["takes ?? for no single character", "/a??c", "/aéc", false],
    ["takes a newline for *", "/a*c", "/a\nb\nc", true],
    ["takes an escaped star as it is", "/a\\*c", "/a*c", true],
    ["takes an escaped star for nothing else", "/a\\*c", "/abc", false],
    ["takes brackets as they are", "/[ab]", "/[ab]", true],
    ["takes brackets for no class", "/[ab]", "/a", false],
  ])("%s", (_, pattern, path, expected) => {
    expect(matches(pattern, path)).toBe(expected);
  });

  test("takes names that are not UTF-8", () => {
    const path = Uint8Array.of(...bytes("/a/"), 0xff, 0xc3, ...bytes("/b"));
    expect(matches("/a/*/b", path)).toBe(true);
    expect(matches("/a/??/b", path)).toBe(true);
    expect(matches("/a/?/b", path)).toBe(false);
    expect(matches("/a/ÿÃ/b", path)).toBe(false);
  });

  test("takes an overlong or surrogate sequence byte by byte", () => {
    expect(matches("/?", Uint8Array.of(0x2f, 0xc0, 0xaf))).toBe(false);
    expect(matches("/??", Uint8Array.of(0x2f, 0xc0, 0xaf))).toBe(true);
    expect(matches("/???", Uint8Array.of(0x2f, 0xed, 0xa0, 0x80))).toBe(true);
  });

  test("agrees with a plain reading of the rules on every short path", () => {
    const patterns = [
      "/a",
      "/*",
      "/**",
      "/a*",
      "/*a",
      "/?",
      "/**/a",
      "/a/**",
      "/a/*/b",
      "/**a",
      "/a**/b",
    ];
    let taken = 0;
    for (const path of shortPaths()) {
      for (const pattern of patterns) {
        const expected = plainly(pattern, path);
        expect(`${pattern} ${path} ${matches(pattern, path)}`).toBe(
          `${pattern} ${path} ${expected}`,
        );
        if (expected) taken++;
      }
    }
    expect(taken).toBeGreaterThan(100);
  });

  test("stays fast where backtracking would not", () => {
    const before = process.cpuUsage();
    expect(matches(`/${"*a".repeat(60)}b`, `/${"a".repeat(250)}`)).toBe(false);
    expect(matches(`${"/**/a".repeat(60)}/b`, "/a".repeat(1000))).toBe(false);
    // Of the processor's time, which other programs have no part in; else it would be years.
    expect(process.cpuUsage(before).user).toBeLessThan(10e6);
  });

  test("takes nothing without patterns", () => {
    expect(compileIgnore([])(bytes("/a"))).toBe(false);
  });
});

describe("overlaps() between an ignored pattern and a kept path", () => {
  test.each([
    ["the path itself", "/etc/a", "/etc/a", false, true],
    ["a directory above the path", "/etc", "/etc/a", false, true],
    ["a pattern that takes the file", "/etc/*", "/etc/a", false, true],
    ["a pattern beside the file", "/etc/*.conf", "/etc/a", false, false],
    ["a pattern beneath a kept directory", "/var/lib/a/cache", "/var/lib/a", true, true],
    ["a pattern of all beneath a kept directory", "/var/lib/a/**", "/var/lib/a", true, true],
    ["a pattern that could reach beneath", "/**/cache", "/var/lib/a", true, true],
    ["a pattern beneath what is no directory", "/etc/a/**", "/etc/a", false, false],
    ["a neighbour that begins alike", "/var/lib/ab", "/var/lib/a", true, false],
  ])("%s", (_, pattern, path, beneath, expected) => {
    expect(overlaps(pattern, path, beneath)).toBe(expected);
  });
});

test.each([
  ["a relative pattern", "*.conf", /absolute/],
  ["all there is", "/", /below/],
  ["a trailing slash", "/a/", /trailing/],
  ["dots that climb", "/a/../b", /\.\./],
  ["a control character", "/a\n", /control/],
  ["a backslash before nothing", "/a\\", /backslash/],
  ["a backslash after a backslash before nothing", "/a\\\\\\", /backslash/],
])("ignorePatternFault() refuses %s", (_, pattern, message) => {
  expect(ignorePatternFault(pattern)).toMatch(message);
});

test("ignorePatternFault() takes an escaped backslash at the end", () => {
  expect(ignorePatternFault("/a\\\\")).toBeUndefined();
});

function* shortPaths(): Generator<string> {
  const names = ["a", "b", "ab", "ba", "aa"];
  for (const one of names) {
    yield `/${one}`;
    for (const two of names) {
      yield `/${one}/${two}`;
      for (const three of names) yield `/${one}/${two}/${three}`;
    }
  }
}

/** The rules by trying everything; with a pattern that takes a directory all beneath it. */
function plainly(pattern: string, path: string): boolean {
  const parts = path.split("/").slice(1);
  return parts.some((_, index) => tryAll(pattern, `/${parts.slice(0, index + 1).join("/")}`));
}

function tryAll(pattern: string, path: string): boolean {
  if (pattern === "") return path === "";
  if (pattern.startsWith("/**/")) {
    if (!path.startsWith("/")) return false;
    const slashes = Array.from(path, (char, index) => (char === "/" ? index : -1));
    return slashes.some((at) => at >= 0 && tryAll(pattern.slice(4), path.slice(at + 1)));
  }
  if (pattern.startsWith("**")) {
    return anyCut(path).some((at) => tryAll(pattern.slice(2), path.slice(at)));
  }
  if (pattern.startsWith("*")) {
    return anyCut(path).some(
      (at) => !path.slice(0, at).includes("/") && tryAll(pattern.slice(1), path.slice(at)),
    );
  }
  const [first] = path;
  if (first === undefined || (pattern[0] === "?" ? first === "/" : first !== pattern[0]))
    return false;
  return tryAll(pattern.slice(1), path.slice(1));
}

function anyCut(path: string): number[] {
  return Array.from({ length: path.length + 1 }, (_, at) => at);
}
