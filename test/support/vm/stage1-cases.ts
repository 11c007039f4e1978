/**
 * The rollback at real boots of one kind of stage 1: what is always so, and what goes
 * wrong. Each kind has a file of its own, so that they boot side by side.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KEEP_PARAMETER } from "../../../lib/boot/stage1.ts";
import type { Entry } from "../cpio.ts";
import { sh } from "../disk.ts";
import { describeUnless } from "../privileged.ts";
import { BootBench } from "./bench.ts";
import { lateDisk } from "./hotplug.ts";
import type { MakeInitrd } from "./initrd.ts";
import { missingForBoots } from "./parts.ts";

export interface Stage1 {
  readonly make: MakeInitrd;
  /** When a late disk may come: what waits for it has begun to. */
  readonly waiting: RegExp;
  /** On the console where stage 1 gave up. */
  readonly stopped: string;
  /** On the console where it did so because no disk came. */
  readonly diskless: RegExp;
  /** What makes it give up within seconds where no disk comes. */
  readonly impatient: { readonly files?: readonly Entry[]; readonly devices?: readonly string[] };
}

export function describeStage1(name: string, stage1: Stage1): void {
  const { make, waiting, stopped, diskless, impatient } = stage1;
  describeUnless(missingForBoots(), `the rollback in ${name} stage 1`, () => {
    const bench = new BootBench(make);
    const initrd = bench.initrd();
    /** Booted once: with state in the root. */
    const lived = bench.copy();

    beforeAll(() => bench.boot(initrd, lived));
    afterAll(() => bench[Symbol.dispose]());

    /** Boots a copy of what was lived in, and returns that boot's record with all of the disk. */
    async function next(
      more: Parameters<BootBench["boot"]>[2] = {},
      prepare: (top: string) => void = () => {},
    ) {
      const image = bench.copy(lived);
      bench.change(image, prepare);
      const said = await bench.boot(more.initrd ?? initrd, image, { ...more, image });
      const disk = bench.read(image);
      return { said, disk, record: disk.boots[1]! };
    }

    test("gives every boot a blank root, keeps the old one and what is persisted", async () => {
      const { disk, record } = await next();
      expect(disk.boots).toHaveLength(2);
      for (const boot of disk.boots) {
        expect(boot.root).toEqual([]);
        expect(boot.subvolume).toBe("/root");
        expect(boot.result).toMatchObject({ outcome: "done", boot_id: boot.bootId, warning: "" });
      }
      expect(record.stateBefore).toBeUndefined();
      expect(record.rootOptions).toContain("noatime");
      expect(record.rootOptions).toContain("compress=zstd:3");
      expect(disk.oldRoots).toEqual([
        [expect.stringContaining(disk.boots[0]!.bootId), undefined],
        [record.result!.old_root, "of boot 1"],
      ]);
      expect(disk.state).toBe("of boot 2");
      expect(disk.top).toEqual([
        "home",
        "log",
        "nix",
        "old_roots",
        "persist",
        "root",
        "root-blank",
      ]);
    });

    test('keeps nested subvolumes in the old root, two levels of them, also where on_failure is "stop"', async () => {
      const image = bench.copy(lived);
      const nested = "var/lib/machines";
      bench.change(image, (top) => {
        mkdirSync(join(top, "root/var/lib"), { recursive: true });
        for (const name of [nested, `${nested}/one`]) {
          sh(["btrfs", "--quiet", "subvolume", "create", join(top, "root", name)]);
        }
        writeFileSync(join(top, "root", nested, "one/deep"), "two levels down");
      });
      await bench.boot(bench.initrd({ onFailure: "stop" }), image);
      const { boots, state } = bench.read(image);
      const { root, result } = boots[1]!;
      expect([root, result!.outcome, state]).toEqual([[], "done", "of boot 2"]);
      bench.change(image, (top) => {
        expect(existsSync(join(top, "old_roots", result!.old_root, nested, "one/deep"))).toBe(true);
        expect(existsSync(join(top, "root", nested))).toBe(false);
      });
    });

    test("waits for a disk that comes late", async () => {
      const image = bench.copy(lived);
      await bench.boot(initrd, image, lateDisk(image, bench.scratch.path("qmp"), waiting));
      const { boots, oldRoots } = bench.read(image);
      expect(boots[1]).toMatchObject({ root: [], result: { outcome: "done" } });
      expect(oldRoots).toHaveLength(2);
    });

    test("gives up where its disk never comes", async () => {
      const { files = [], devices = [] } = impatient;
      const { said } = await next({ initrd: bench.initrd({ files }), devices, marker: stopped });
      expect(said).toMatch(diskless);
    });

    test("makes a root where there is none", async () => {
      const { record, disk } = await next({}, (top) => remove(join(top, "root")));
      expect(record.root).toEqual([]);
      expect(record.result).toMatchObject({ outcome: "done", reason: "there was no root" });
      expect(disk.oldRoots).toHaveLength(1);
    });

    test("leaves the root for one boot where the kernel's command line says so", async () => {
      const { record, disk } = await next({ parameters: [KEEP_PARAMETER] });
      expect(record.stateBefore).toBe("of boot 1");
      expect(record.result).toMatchObject({ outcome: "skipped", boot_id: record.bootId });
      expect(disk.oldRoots).toHaveLength(1);
    });

    describe("with no blank snapshot", () => {
      const prepare = (top: string) => remove(join(top, "root-blank"));

      test('boots the root as it is where on_failure is "boot", and says so', async () => {
        const { record } = await next({}, prepare);
        expect(record.stateBefore).toBe("of boot 1");
        expect(record.result).toMatchObject({
          outcome: "failed",
          reason: "there is no root-blank: nothing was changed",
          boot_id: record.bootId,
        });
      });

      test('doesn\'t boot where on_failure is "stop"', async () => {
        const stopping = bench.initrd({ onFailure: "stop" });
        const { disk, said } = await next({ initrd: stopping, marker: stopped }, prepare);
        expect(said).toContain("there is no root-blank: nothing was changed");
        expect(disk.boots).toHaveLength(1);
        expect(disk.state).toBe("of boot 1");
        expect(disk.oldRoots).toHaveLength(1);
      });
    });
  });
}

function remove(subvolume: string): void {
  sh(["btrfs", "--quiet", "subvolume", "delete", subvolume]);
  if (existsSync(subvolume)) rmdirSync(subvolume);
}
