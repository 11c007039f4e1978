/**
 * Comparisons that are limited to given paths, on real btrfs: each path by its
 * names alone, once, and an error for one that leads nowhere.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { changes, inDirectory, makeRoot } from "../support/diff.ts";
import { makeBtrfs, mountAt, Scratch } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";

describePrivileged("diffSubvolumes() within given paths", () => {
  const scratch = new Scratch();
  let root = "";
  let base = "";

  beforeAll(() => {
    const top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", 128 * 1024 * 1024));
    ({ root, base } = makeRoot(top, "case", "mkdir -p etc/x var; touch etc/x/old var/old"));
    inDirectory(
      root,
      "touch etc/new etc/x/new var/new new; rm var/old; ln -s etc link; mkdir etc.d; touch etc.d/new; chmod 700 etc",
    );
  });
  afterAll(() => scratch[Symbol.dispose]());

  test.each<[name: string, within: string[], expected: string[]]>([
    ["a tree", ["/etc"], ["m directory /etc", "A file /etc/new", "A file /etc/x/new"]],
    ["a file", ["/etc/new"], ["A file /etc/new"]],
    ["what is the same", ["/etc/x/old"], []],
    ["what only the base has", ["/var/old"], ["D file /var/old"]],
    [
      "paths given twice, nested, unclean",
      ["/var/", "/etc/x/new", "//etc/./x", "/etc/x"],
      ["A file /etc/x/new", "A file /var/new", "D file /var/old"],
    ],
    ["a link, which is not followed", ["/link"], ["A symlink /link"]],
    [
      "two trees, in byte order",
      ["/etc", "/etc.d"],
      [
        "A directory /etc.d",
        "A file /etc.d/new",
        "m directory /etc",
        "A file /etc/new",
        "A file /etc/x/new",
      ],
    ],
    ["no path at all", [], []],
  ])("takes %s", (_, within, expected) => {
    expect(changes(root, base, within)).toEqual(expected);
  });

  test("takes the top for everything", () => {
    expect(changes(root, base, ["/"])).toEqual(changes(root, base));
    expect(changes(root, base).length).toBe(9);
  });

  test.each<[name: string, path: string, message: RegExp]>([
    ["neither has", "/etc/none", /^Cannot compare \/etc\/none: no such path/],
    ["leads through a link", "/link/new", /no such path/],
    ["leads through a file", "/etc/new/x", /no such path/],
    ["is relative", "etc", /expected an absolute path$/],
    ["goes up", "/etc/../var", /expected a path without "\.\."$/],
  ])("refuses a path that %s", (_, path, message) => {
    expect(() => changes(root, base, ["/var", path])).toThrow(message);
  });
});
