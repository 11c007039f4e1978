/**
 * A root that others write to while it is compared: whatever happens around it,
 * what stays is listed, once, and the comparison ends well.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { closeSync, openSync, writeFileSync } from "node:fs";
import type { Exact } from "../../lib/exact.ts";
import { diffSubvolumes } from "../../lib/host/diff.ts";
import { visible } from "../../lib/text.ts";
import { changes, inDirectory, makeRoot } from "../support/diff.ts";
import { makeBtrfs, mountAt, Scratch } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";

const STABLE = 300;
const ROUNDS = 8;

/** Creates, replaces, renames and deletes between the stable files, in both halves, until it is killed. */
const CHURN = `
import * as fs from "node:fs";
process.chdir(process.argv[2]);
for (let n = 0; ; n++) {
  const dir = ["both", "added"][n % 2];
  const name = dir + "/churn-" + (n * 7919) % 400;
  const other = dir + "/churn-" + (n * 104729) % 400;
  try {
    const kind = n % 7;
    if (kind < 2) fs.writeFileSync(name, "x".repeat(n % 5000));
    else if (kind === 2) fs.mkdirSync(name);
    else if (kind === 3) fs.renameSync(name, other);
    else if (kind === 4) fs.symlinkSync("nowhere", name);
    else fs.rmSync(name, { recursive: true });
  } catch (fault) {
    if (fault.code === undefined) throw fault;
  }
  if (n === 2000) console.log("running");
}`;

/** Sizes of the stable files; everything is asked for its inode and the text of its link. */
function stableSizes(root: string, base: string): Exact[] {
  const sizes: Exact[] = [];
  const fds = [openSync(root, "r"), openSync(base, "r")] as const;
  try {
    diffSubvolumes({ root: fds[0], base: fds[1] }, (change) => {
      const { sizeBytes } = change.inode();
      change.linkText();
      if (visible(change.path).includes("stable")) sizes.push(sizeBytes);
    });
  } finally {
    for (const fd of fds) closeSync(fd);
  }
  return sizes;
}

describePrivileged("diffSubvolumes() while others write", () => {
  const scratch = new Scratch();
  let top = "";
  beforeAll(() => {
    top = mountAt(scratch, "top", makeBtrfs(scratch, "disk", 512 * 1024 * 1024));
  });
  afterAll(() => scratch[Symbol.dispose]());

  test("lists what is stable, all of it and once", async () => {
    const fill = `for i in $(seq ${STABLE}); do echo $i > both/stable-$i; done`;
    const churned = "for i in $(seq 400); do echo $i > both/churn-$i; done";
    const { root, base } = makeRoot(top, "case", `mkdir both; ${fill}; ${churned}`);
    inDirectory(root, `mkdir added; for i in $(seq ${STABLE}); do echo > added/stable-$i; done`);
    inDirectory(root, "for i in $(seq 2 2 300); do echo other > both/stable-$i; done");
    const expected = changes(root, base).filter((line) => line.includes("stable"));
    expect(expected.length).toBe(STABLE + STABLE / 2);

    const sizes = stableSizes(root, base);
    expect(sizes.length).toBe(expected.length);

    const script = scratch.path("churn.ts");
    writeFileSync(script, CHURN);
    const churn = Bun.spawn([process.execPath, script, root], {
      stdout: "pipe",
      stderr: "inherit",
    });
    try {
      await churn.stdout.getReader().read();
      for (let round = 0; round < ROUNDS; round++) {
        const lines = changes(root, base);
        expect(lines.filter((line) => line.includes("stable"))).toEqual(expected);
        expect(lines.some((line) => line.includes("churn"))).toBe(true);
        expect(stableSizes(root, base)).toEqual(sizes);
      }
      expect(churn.exitCode).toBeNull();
    } finally {
      churn.kill();
      await churn.exited;
    }
  });
});
