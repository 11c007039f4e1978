/**
 * Thousands of random operations on a root whose base is not empty, the comparison
 * held against an oracle that walks both mounted trees.
 * A failing seed can be run alone by its number.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { changes } from "../support/diff.ts";
import { makeBtrfs, mountAt, Scratch, sh } from "../support/disk.ts";
import { Operations } from "../support/operations.ts";
import { expectedChanges } from "../support/oracle.ts";
import { describePrivileged } from "../support/privileged.ts";

const SEEDS = [1, 2, 3, 4, 5, 6];
const OPERATIONS = 1500;

describePrivileged("diffSubvolumes() agrees with a walk of both trees", () => {
  const scratch = new Scratch();
  let top = "";
  beforeAll(() => {
    top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", 1024 * 1024 * 1024));
  });
  afterAll(() => scratch[Symbol.dispose]());

  test.each(SEEDS)("after random operations, seed %d", (seed) => {
    const root = `${top}/root-${seed}`;
    const base = `${top}/base-${seed}`;
    sh(["btrfs", "--quiet", "subvolume", "create", root]);
    const random = new Operations(root, seed);
    random.run(OPERATIONS);
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", root, base]);
    // A snapshot of the base raises its generation, and must change nothing.
    if (seed % 2 === 0) {
      sh(["btrfs", "--quiet", "subvolume", "snapshot", base, `${top}/other-${seed}`]);
    }
    random.run(OPERATIONS);
    if (seed % 3 === 0) {
      sh(["btrfs", "--quiet", "balance", "start", "-musage=100", "-dusage=100", top]);
    }
    const expected = expectedChanges(root, base);
    expect(changes(root, base)).toEqual(expected);
    expect(expected.length).toBeGreaterThan(20);
    expect(changes(base, root)).toEqual(expectedChanges(base, root));
    expect(changes(root, undefined)).toEqual(expectedChanges(root, undefined));
  });
});
