/** What is predicted of the next boot, held against a real one. */
import { afterAll, describe, expect, test } from "bun:test";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { blankroot } from "../support/blankroot.ts";
import { sh } from "../support/disk.ts";
import { linesOf, predictions, walkTree } from "../support/prediction.ts";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import { scriptedInitrd } from "../support/vm/scripted-stage1.ts";
import { EXAMPLE, onPartition, STATE } from "../support/vm/system.ts";
import { systemdInitrd } from "../support/vm/systemd-stage1.ts";

const KINDS = [
  { name: "systemd", make: systemdInitrd },
  { name: "scripted", make: scriptedInitrd },
];
const SURVIVORS = ["home", "nix", "log"];

describeUnless(missingForBoots(), "the prediction of a boot", () => {
  describe.each(KINDS)("in $name stage 1", ({ make }) => {
    const bench = new BootBench(make);
    afterAll(() => bench[Symbol.dispose]());

    /** On this machine, where the disk has another node. */
    function predict(image: string) {
      return onPartition(image, (device) => {
        const text = readFileSync(EXAMPLE, "utf8").replace(
          "[btrfs]",
          `[btrfs]\ndevice = "${device}"`,
        );
        const profile = bench.scratch.path("host.toml");
        writeFileSync(profile, text, { mode: 0o644 });
        const ask = (...words: string[]) => blankroot([...words, "--profile", profile]).stdout;
        return {
          listed: predictions(ask("fs-diff", "--all", "--json")),
          preview: JSON.parse(ask("rollback-preview", "--json")),
        };
      });
    }

    test("holds: what is lost is gone, the old root is whole, and its neighbours are as they were", async () => {
      const image = bench.copy();
      // Whichever kind made the root that is lost; this one takes less time.
      const first = scriptedInitrd(bench.scratch, "first", bench.parts, bench.system);
      await bench.boot(first, image);
      const trees = new Map<string, string[]>();
      let before: string[] = [];
      bench.change(image, (top) => {
        liveIn(top);
        before = linesOf(walkTree(join(top, "root")));
        for (const name of SURVIVORS) trees.set(name, linesOf(walkTree(join(top, name))));
      });

      const { listed, preview } = predict(image);
      await bench.boot(bench.initrd(), image);

      const { boots, oldRoots } = bench.read(image);
      const lost = listed.filter(({ fate }) => fate === "lost").map(({ path }) => path);
      expect(lost).toEqual(
        expect.arrayContaining(["/etc/mine", `/${STATE}`, "/var/lib/machines/x"]),
      );
      expect(listed.find(({ path }) => path === "/etc/nixos/kept")?.fate).toBe("kept");
      // What stage 2 found before it wrote anything.
      expect(boots[1]!.root.filter((path) => lost.includes(path))).toEqual([]);
      expect(boots[1]!.root).toEqual([]);
      const steps: { kind: string }[] = preview.steps;
      expect(steps.map(({ kind }) => kind)).toEqual([
        "mount-top",
        "snapshot",
        "set-aside",
        "put-in-place",
        "unmount-top",
        "boot",
        "machine-id",
        "persist",
      ]);
      const newest = oldRoots.map(([name]) => name).find((name) => name.includes(boots[1]!.bootId));
      expect(preview.set_aside.as.replace("<UTC time>-<boot id>", newest)).toBe(
        `old_roots/${boots[1]!.result!.old_root}`,
      );
      bench.change(image, (top) => {
        expect(linesOf(walkTree(join(top, "old_roots", newest!)))).toEqual(before);
        for (const name of SURVIVORS) {
          expect(linesOf(walkTree(join(top, name)))).toEqual(trees.get(name)!);
        }
        expect(readFileSync(join(top, "persist/etc/nixos/kept"), "utf8")).toBe("kept");
      });
    });
  });
});

/** State of every kind in a root that was booted. */
function liveIn(top: string): void {
  for (const dir of ["root/etc/nixos", "root/var/lib", "persist/etc/nixos"]) {
    mkdirSync(join(top, dir), { recursive: true });
  }
  writeFileSync(join(top, "root/etc/mine"), "lost");
  writeFileSync(join(top, "root/etc/nixos/kept"), "kept");
  sh(["cp", "--archive", join(top, "root/etc/nixos/kept"), join(top, "persist/etc/nixos/kept")]);
  sh(["btrfs", "--quiet", "subvolume", "create", join(top, "root/var/lib/machines")]);
  writeFileSync(join(top, "root/var/lib/machines/x"), "nested");
  for (const name of SURVIVORS) writeFileSync(join(top, name, "precious"), `of ${name}`);
}
