import { describe, expect, test } from "bun:test";
import { runsOf } from "../../lib/copy/runs.ts";
import type { InodeStatus } from "../../lib/inode-status.ts";
import type { CopyAction } from "../../lib/plans/copy.ts";

const MIB = 1024 ** 2;

function action(path: string, more: Partial<InodeStatus> = {}, kind = "copy-file"): CopyAction {
  const status = { links: 1, sizeBytes: 10, isImmutable: false, isAppendOnly: false, ...more };
  return { kind, path: Buffer.from(path), status } as unknown as CopyAction;
}

const runs = (...actions: CopyAction[]) =>
  Array.from(runsOf(actions), (run) => run.map(({ path }) => `${path}`).join(" "));

describe("runsOf()", () => {
  test("is nothing of nothing", () => {
    expect(runs()).toEqual([]);
  });

  test("puts the plain files of a directory together, and no others", () => {
    const plan = [
      action("/d", {}, "make-directory"),
      action("/d/a"),
      action("/d/b"),
      action("/d/two", { links: 2 }),
      action("/d/c"),
      action("/d/link", {}, "make-symlink"),
      action("/d/locked", { isImmutable: true }),
      action("/d/log", { isAppendOnly: true }),
      action("/d/large", { sizeBytes: MIB + 1 }),
      action("/d/e"),
      action("/d/f", { sizeBytes: MIB }),
      action("/dd/a"),
      action("/top"),
    ];
    expect(runs(...plan)).toEqual([
      "/d",
      "/d/a /d/b",
      "/d/two",
      "/d/c",
      "/d/link",
      "/d/locked",
      "/d/log",
      "/d/large",
      "/d/e /d/f",
      "/dd/a",
      "/top",
    ]);
  });

  test("makes none longer than 128 files or 16 MiB", () => {
    const many = Array.from({ length: 300 }, (_, index) => action(`/d/${index}`));
    expect(Array.from(runsOf(many), (run) => run.length)).toEqual([128, 128, 44]);
    const large = Array.from({ length: 20 }, (_, index) =>
      action(`/d/${index}`, { sizeBytes: MIB }),
    );
    expect(Array.from(runsOf(large), (run) => run.length)).toEqual([16, 4]);
  });
});
