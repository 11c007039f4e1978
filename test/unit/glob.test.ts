import { describe, expect, test } from "bun:test";
import { Glob, matchesAny } from "../../lib/glob.ts";

/** Bytes, one a character. */
const bytes = (text: string) => Buffer.from(text, "latin1");

describe("a Glob", () => {
  test.each<[pattern: string, path: string, matches: boolean]>([
    ["foo", "/foo", true],
    ["foo", "/a/b/foo", true],
    ["foo", "/a/foo/b", false],
    ["foo", "/a/xfoo", false],
    ["*.conf", "/etc/a.conf", true],
    ["*.conf", "/etc/a.conf.d/x", false],
    ["*", "/a/b", true],
    ["/etc/*", "/etc/a", true],
    ["/etc/*", "/etc/a/b", false],
    ["/etc/**", "/etc/a/b", true],
    ["/etc/**/b", "/etc/b", true],
    ["/etc/**/b", "/etc/x/y/b", true],
    ["/etc/**/b", "/var/etc/b", false],
    ["etc/?", "/x/etc/a", true],
    ["etc/?", "/etc/a", true],
    ["etc/?", "/xetc/a", false],
    ["etc/?", "/etc/aa", false],
    ["\\*", "/a/*", true],
    ["\\*", "/a/b", false],
    ["[a]", "/[a]", true],
    ["[a]", "/a", false],
    ["a\nb", "/a\nb", true],
    // A byte that is no UTF-8 is a character of its own, and é is one of two bytes.
    ["a?b", "/a\xffb", true],
    ["a\xffb", "/a\xffb", true],
    ["a\xffb", "/a\xfeb", false],
    ["a\xff*", "/a\xffb", true],
    ["a?b", "/a\xc3\xa9b", true],
    ["a??b", "/a\xc3\xa9b", false],
    ["a\xc3\xa9*", "/a\xc3\xa9b", true],
    ["/", "/", true],
    ["*a*b*c", "/xaybzc", true],
    ["*a*b*c", "/xaybzcd", false],
    ["aa*aa", "/aaa", false],
    ["*\xffa", "/b\xffa", true],
    ["*\xffa", "/ba", false],
    [`${"?".repeat(40)}*`, `/${"x".repeat(40)}`, true],
    [`${"?".repeat(40)}*`, `/${"x".repeat(39)}`, false],
  ])("%j on %j: %p", (pattern, path, matches) => {
    expect(matchesAny([new Glob(bytes(pattern))], bytes(path))).toBe(matches);
  });

  test("matches where any of several does", () => {
    const globs = ["/etc/a", "*.key"].map((pattern) => new Glob(bytes(pattern)));
    const found = ["/etc/a", "/b/c.key", "/etc/b"].filter((path) => matchesAny(globs, bytes(path)));
    expect(found).toEqual(["/etc/a", "/b/c.key"]);
  });

  test("sees no more than the name, whatever lies behind it", () => {
    const arena = bytes("a\xc3\xa9b");
    expect(new Glob(bytes("a?")).matches(arena, 0, 2)).toBe(true);
    expect(new Glob(bytes("a\xc3")).matches(arena, 0, 2)).toBe(true);
    expect(new Glob(bytes("a\xc3\xa9")).matches(arena, 0, 2)).toBe(false);
    expect(new Glob(bytes("\xa9b")).matches(arena, 2, 4)).toBe(true);
  });

  test.each<[pattern: string, fault: RegExp]>([
    ["", /the pattern is empty/],
    ["a\\", /ends with a lone backslash$/],
    ["a\\\\\\", /ends with a lone backslash$/],
    ["etc/", /ends with a slash/],
    ["a\0", /^Cannot find "a\\x00": the pattern is one with a NUL/],
  ])("refuses %j", (pattern, fault) => {
    expect(() => new Glob(bytes(pattern))).toThrow(fault);
  });

  test("takes an escaped backslash at the end", () => {
    expect(matchesAny([new Glob(bytes("a\\\\"))], bytes("/a\\"))).toBe(true);
  });
});
