import { describe, expect, test } from "bun:test";
import { compileGlob, matchesAny } from "../../lib/glob.ts";

/** Bytes, one a character. */
const bytes = (text: string) => Buffer.from(text, "latin1");

describe("compileGlob()", () => {
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
  ])("%j on %j: %p", (pattern, path, matches) => {
    expect(matchesAny([compileGlob(bytes(pattern))], bytes(path))).toBe(matches);
  });

  test("matches where any of several does", () => {
    const globs = ["/etc/a", "*.key"].map((pattern) => compileGlob(bytes(pattern)));
    const found = ["/etc/a", "/b/c.key", "/etc/b"].filter((path) => matchesAny(globs, bytes(path)));
    expect(found).toEqual(["/etc/a", "/b/c.key"]);
  });

  test.each<[pattern: string, fault: RegExp]>([
    ["", /the pattern is empty/],
    ["a\\", /ends with a lone backslash$/],
    ["a\\\\\\", /ends with a lone backslash$/],
    ["etc/", /ends with a slash/],
    ["a\0", /^Cannot find "a\\x00": the pattern is one with a NUL/],
  ])("refuses %j", (pattern, fault) => {
    expect(() => compileGlob(bytes(pattern))).toThrow(fault);
  });

  test("takes an escaped backslash at the end", () => {
    expect(matchesAny([compileGlob(bytes("a\\\\"))], bytes("/a\\"))).toBe(true);
  });
});
