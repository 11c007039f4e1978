/**
 * The comparison by what was written since the root was made: the same answer in
 * the same order as that of all paths, and chosen only where it must be right.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { symlinkSync } from "node:fs";
import { commitAt, inDirectory } from "../support/diff.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { diffBothWays } from "../support/exhaustive-diff.ts";
import { Operations } from "../support/operations.ts";
import { describePrivileged } from "../support/privileged.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];
/** Enough for a blank to count as large, with names of one file in many directories. */
const BULK = `
  for i in $(seq 60); do
    mkdir -p bulk/$i/sub
    for j in $(seq 40); do echo $i >bulk/$i/sub/$j; done
    ln bulk/$i/sub/1 bulk/link$i
    ln bulk/1/sub/2 bulk/$i/other
  done`;

describePrivileged("findDelta()", () => {
  const scratch = new Scratch();
  let top = "";
  beforeAll(() => {
    top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", 1024 * 1024 * 1024));
  });
  afterAll(() => scratch[Symbol.dispose]());

  /** A large read-only blank and a root made of it, each in a folder of its own. */
  function make(name: string, fill: (blank: string) => void = () => undefined) {
    const blank = `${top}/${name}/blank`;
    const root = `${top}/${name}/root`;
    sh(["mkdir", `${top}/${name}`]);
    sh(["btrfs", "--quiet", "subvolume", "create", blank]);
    inDirectory(blank, BULK);
    fill(blank);
    sh(["btrfs", "filesystem", "sync", blank]);
    sh(["btrfs", "property", "set", "-ts", blank, "ro", "true"]);
    sh(["btrfs", "--quiet", "subvolume", "snapshot", blank, root]);
    return { blank, root };
  }

  test.each(SEEDS)("finds what a comparison of all paths finds, seed %d", (seed) => {
    const { blank, root } = make(`seed-${seed}`, (dir) => new Operations(dir, seed).run(1000));
    new Operations(root, seed + 100).run(700);
    inDirectory(
      `${root}/bulk`,
      `echo x >>link7; mv 8/sub 9/moved; rm -r 10; chmod 600 11/sub/4; echo y >1/other
       mv 12 13/; echo z >13/12/sub/5; touch -d @5 14/sub`,
    );
    if (seed % 3 === 0) sh(["btrfs", "--quiet", "balance", "start", "-musage=100", top]);
    if (seed % 2 === 0) sh(["btrfs", "--quiet", "subvolume", "snapshot", blank, `${root}-2`]);
    const { reason, chosen, exhaustive } = diffBothWays(root, blank);
    expect(reason).toMatch(/^comparing [\d,]+ inodes? written since transaction \d+$/);
    expect(chosen).toEqual(exhaustive);
    expect(chosen.length).toBeGreaterThan(100);
  });

  test.each(SEEDS)("finds as much of what is new since a transaction, seed %d", (seed) => {
    const { blank, root } = make(`since-${seed}`, (dir) => new Operations(dir, seed).run(500));
    const random = new Operations(root, seed + 100);
    random.run(300);
    const transaction = commitAt(root) + 1;
    random.run(100);
    inDirectory(
      `${root}/bulk`,
      "echo x >>link7; mv 8 9/moved; mv 10 w; mv w 10; echo y >11/other; rm 12/sub/3",
    );
    const { chosen, exhaustive } = diffBothWays(root, blank, undefined, transaction);
    expect(chosen).toEqual(exhaustive);
    expect(chosen).toContain("A file /bulk/9/moved/sub/7");
    expect(chosen.length).toBeLessThan(diffBothWays(root, blank).chosen.length);
  });

  test("finds a file by all of its names where only its content was written", () => {
    const { blank, root } = make("links");
    inDirectory(root, "echo more >>bulk/1/sub/2");
    const { reason, chosen } = diffBothWays(root, blank);
    expect(reason).toContain("comparing 1 inode ");
    expect(chosen).toContain("M file /bulk/37/other");
    expect(chosen).toHaveLength(61);
  });

  test("finds one of hundreds of names, which take items of their own", () => {
    const { blank, root } = make("extrefs", (dir) =>
      inDirectory(dir, "mkdir a b; for i in $(seq 800); do ln bulk/1/sub/3 a/$i; done"),
    );
    inDirectory(root, "ln a/7 b/new; rm a/800");
    const { chosen, exhaustive } = diffBothWays(root, blank);
    expect(chosen).toEqual(exhaustive);
    expect(chosen).toContain("A file /b/new");
    expect(chosen).toContain("D file /a/800");
  });

  test("finds nested subvolumes of either side, and what is in them", () => {
    const nested = (name: string) => `btrfs --quiet subvolume create ${name}; echo x >${name}/f`;
    const { blank, root } = make("nested", (dir) => inDirectory(dir, nested("bulk/5/old")));
    inDirectory(root, nested("bulk/6/new"));
    const { chosen, exhaustive } = diffBothWays(root, blank);
    expect(chosen).toEqual(exhaustive);
    expect(chosen).toContain("A file /bulk/6/new/f");
    expect(chosen).toContain("D file /bulk/5/old/f");
  });

  const REFUSED: Array<[string, string, (sides: { blank: string; root: string }) => void]> = [
    [
      "the base can be written to",
      "writable",
      ({ blank }) => sh(["btrfs", "property", "set", "-ts", blank, "ro", "false"]),
    ],
    [
      "the base changed after the root was made",
      "changed",
      ({ blank }) => {
        sh(["btrfs", "property", "set", "-ts", blank, "ro", "false"]);
        inDirectory(blank, "echo else >bulk/1/sub/1; sync");
        sh(["btrfs", "property", "set", "-ts", blank, "ro", "true"]);
      },
    ],
    [
      "the root is no snapshot of its base",
      "stranger",
      ({ blank, root }) => {
        sh(["btrfs", "--quiet", "subvolume", "delete", root]);
        sh(["btrfs", "--quiet", "subvolume", "snapshot", blank, `${root}-between`]);
        sh(["btrfs", "--quiet", "subvolume", "snapshot", `${root}-between`, root]);
      },
    ],
  ];

  test.each(REFUSED)("is not used where %s", (reason, name, meddle) => {
    const sides = make(name);
    meddle(sides);
    symlinkSync("x", `${sides.root}/l`);
    const found = diffBothWays(sides.root, sides.blank);
    expect(found.reason).toBe(`comparing every path: ${reason}`);
    expect(found.chosen).toContain("A symlink /l");
  });

  test("is not used where the base is small, or on another file system", () => {
    sh(["mkdir", `${top}/small`]);
    inDirectory(`${top}/small`, "btrfs --quiet subvolume create blank");
    sh(["btrfs", "property", "set", "-ts", `${top}/small/blank`, "ro", "true"]);
    inDirectory(`${top}/small`, "btrfs --quiet subvolume snapshot blank root");
    const { reason } = diffBothWays(`${top}/small/root`, `${top}/small/blank`);
    expect(reason).toBe("comparing every path: the base is small");
    using other = new Scratch();
    const elsewhere = mountAt(other, "top", makeBtrfs(other, "disk", 256 * 1024 * 1024));
    expect(diffBothWays(elsewhere, `${top}/small/blank`).reason).toBe(
      "comparing every path: the base is on another file system",
    );
  });
});
