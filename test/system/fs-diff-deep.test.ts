/** Directories nested deeper than any path reaches: anybody can make them, and they hide nothing. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { mkdirSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { COMMAND } from "../support/blankroot.ts";
import { sh } from "../support/disk.ts";
import { Machine } from "../support/machine.ts";
import { describePrivileged } from "../support/privileged.ts";

const BLOCK = 1000;
const BLOCKS = 5;
const DEPTH_MAX = 4096;

describePrivileged("fs-diff, where directories lie too deep,", () => {
  let machine: Machine;

  beforeAll(() => {
    machine = new Machine();
    machine.write("root", "/a", "/nest.txt", "/z");
    makeNest(machine.in("root"));
    sh(["btrfs", "filesystem", "sync", machine.in("root")]);
  });
  afterAll(() => machine[Symbol.dispose]());

  test.each(["metadata", "walk"])("lists all else and fails, by %s", (method) => {
    const words = ["fs-diff", "--root", machine.in("root"), "--base", machine.in("root-blank")];
    const less = method === "walk" ? ["setpriv", "--bounding-set=-sys_admin"] : [];
    const child = Bun.spawnSync([...less, ...COMMAND, ...words], { stderr: "pipe" });
    expect(child.stdout.toString().split("\n")).toEqual(["/a", "/nest.txt", "/z", ""]);
    expect(child.stderr.toString()).toContain(
      `Cannot list what is in a directory more than ${DEPTH_MAX} deep, the first in /nest/d/d/`,
    );
    expect(child.stderr.toString()).toContain("All else is listed");
    expect(child.exitCode).toBe(4);
  });

  test("lists directories as deep as that", () => {
    const { stdout, status } = machine.run("fs-diff", "--all", "--dirs", "--type", "d", "/nest");
    const depths = stdout
      .trimEnd()
      .split("\n")
      .map((path) => path.split("/").length - 1);
    expect(Math.max(...depths)).toBe(DEPTH_MAX);
    expect(depths.length).toBe(DEPTH_MAX);
    expect(status).toBe(4);
  });

  test("still shows sums and a preview", () => {
    const stat = machine.run("fs-diff", "--stat");
    expect([stat.status, stat.stdout]).toEqual([4, expect.stringMatching(/\b3\b/)]);
    const preview = machine.run("rollback-preview");
    expect([preview.status, preview.stdout]).toEqual([4, expect.stringContaining("/nest.txt")]);
    expect(preview.stderr).toContain("All else is listed");
  });
});

/** Blocks moved into each other's bottom: no call takes a path of the whole. */
function makeNest(root: string): void {
  let nest: string | undefined;
  for (let block = 0; block < BLOCKS; block++) {
    const next = join(root, `block-${block}`);
    const bottom = join(next, ..."d".repeat(BLOCK - 1));
    mkdirSync(bottom, { recursive: true });
    if (nest !== undefined) renameSync(nest, join(bottom, "d"));
    else writeFileSync(join(bottom, "at the end"), "");
    nest = next;
  }
  renameSync(nest!, join(root, "nest"));
}
