/** The rollback at real boots, in both kinds of stage 1: what is always so, and what goes wrong. */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { KEEP_PARAMETER } from "../../lib/boot/stage1.ts";
import { fileEntry } from "../support/cpio.ts";
import { sh } from "../support/disk.ts";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import { lateDisk } from "../support/vm/hotplug.ts";
import type { MakeInitrd } from "../support/vm/initrd.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import { DEVICES_DONE, FAIL_DONE, scriptedInitrd } from "../support/vm/scripted-stage1.ts";
import { EMERGENCY_DONE, systemdInitrd } from "../support/vm/systemd-stage1.ts";

interface Kind {
  readonly name: string;
  readonly make: MakeInitrd;
  /** When a late disk may come: what waits for it has begun to. */
  readonly waiting: RegExp;
  /** On the console where stage 1 gave up. */
  readonly stopped: string;
  /** On the console where it did so because no disk came. */
  readonly diskless: RegExp;
}

/** For systemd, whose patience is 90 s. */
const IMPATIENT = fileEntry(
  "etc/systemd/system.conf.d/impatient.conf",
  "[Manager]\nDefaultDeviceTimeoutSec=10\n",
);

const KINDS: readonly Kind[] = [
  {
    name: "systemd",
    make: systemdInitrd,
    waiting: /Finished systemd-udev-trig/,
    stopped: EMERGENCY_DONE,
    diskless: /Dependency failed for blankroot-rollb/,
  },
  {
    name: "scripted",
    make: scriptedInitrd,
    waiting: new RegExp(DEVICES_DONE),
    stopped: FAIL_DONE,
    diskless: /rollback: failed: can't mount .*, nothing was changed/,
  },
];

describeUnless(missingForBoots(), "the rollback", () => {
  describe.each(KINDS)("in $name stage 1", ({ make, waiting, stopped, diskless }) => {
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

    test.concurrent("gives every boot a blank root, keeps the old one and what is persisted", async () => {
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

    test.concurrent("keeps nested subvolumes in the old root, two levels of them", async () => {
      const image = bench.copy(lived);
      const nested = "var/lib/machines";
      bench.change(image, (top) => {
        mkdirSync(join(top, "root/var/lib"), { recursive: true });
        for (const name of [nested, `${nested}/one`]) {
          sh(["btrfs", "--quiet", "subvolume", "create", join(top, "root", name)]);
        }
        writeFileSync(join(top, "root", nested, "one/deep"), "two levels down");
      });
      await bench.boot(initrd, image);
      const { boots, state } = bench.read(image);
      const old = boots[1]!.result!.old_root;
      expect([boots[1]!.root, state]).toEqual([[], "of boot 2"]);
      bench.change(image, (top) => {
        expect(existsSync(join(top, "old_roots", old, nested, "one/deep"))).toBe(true);
        expect(existsSync(join(top, "root", nested))).toBe(false);
      });
    });

    test.concurrent("waits for a disk that comes late", async () => {
      const image = bench.copy(lived);
      await bench.boot(initrd, image, lateDisk(image, bench.scratch.path("qmp"), waiting));
      const { boots, oldRoots } = bench.read(image);
      expect(boots[1]).toMatchObject({ root: [], result: { outcome: "done" } });
      expect(oldRoots).toHaveLength(2);
    });

    test.concurrent("gives up where its disk never comes", async () => {
      const impatient = bench.initrd({ files: [IMPATIENT] });
      const { said } = await next({ initrd: impatient, devices: [], marker: stopped });
      expect(said).toMatch(diskless);
    });

    test.concurrent("makes a root where there is none", async () => {
      const { record, disk } = await next({}, (top) => remove(join(top, "root")));
      expect(record.root).toEqual([]);
      expect(record.result).toMatchObject({ outcome: "done", reason: "there was no root" });
      expect(disk.oldRoots).toHaveLength(1);
    });

    test.concurrent("leaves the root for one boot where the kernel's command line says so", async () => {
      const { record, disk } = await next({ parameters: [KEEP_PARAMETER] });
      expect(record.stateBefore).toBe("of boot 1");
      expect(record.result).toMatchObject({ outcome: "skipped", boot_id: record.bootId });
      expect(disk.oldRoots).toHaveLength(1);
    });

    describe("with no blank snapshot", () => {
      const prepare = (top: string) => remove(join(top, "root-blank"));

      test.concurrent('boots the root as it is where on_failure is "boot", and says so', async () => {
        const { record } = await next({}, prepare);
        expect(record.stateBefore).toBe("of boot 1");
        expect(record.result).toMatchObject({
          outcome: "failed",
          reason: "there is no root-blank: nothing was changed",
          boot_id: record.bootId,
        });
      });

      test.concurrent('doesn\'t boot where on_failure is "stop"', async () => {
        const stopping = bench.initrd({ onFailure: "stop" });
        const { disk, said } = await next({ initrd: stopping, marker: stopped }, prepare);
        expect(said).toContain("there is no root-blank: nothing was changed");
        expect(disk.boots).toHaveLength(1);
        expect(disk.state).toBe("of boot 1");
        expect(disk.oldRoots).toHaveLength(1);
      });
    });

    test.concurrent('boots a blank root where on_failure is "stop" and nothing fails', async () => {
      const { record } = await next({ initrd: bench.initrd({ onFailure: "stop" }) });
      expect(record).toMatchObject({ root: [], result: { outcome: "done" } });
    });
  });
});

function remove(subvolume: string): void {
  sh(["btrfs", "--quiet", "subvolume", "delete", subvolume]);
  if (existsSync(subvolume)) rmdirSync(subvolume);
}
