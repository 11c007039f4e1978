/** What only a systemd stage 1 has: an order of units, and ways to start one twice. */
import { afterAll, describe, expect, test } from "bun:test";
import { deviceUnit } from "../../lib/boot/unit.ts";
import { fileEntry, linkEntry, programEntry } from "../support/cpio.ts";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import { systemdInitrd } from "../support/vm/systemd-stage1.ts";

const UNITS = "etc/systemd/system";

describeUnless(missingForBoots(), "the unit in systemd's stage 1", () => {
  const bench = new BootBench(systemdInitrd);
  afterAll(() => bench[Symbol.dispose]());

  test("comes after the device and before the mount, and has ended by then", async () => {
    const image = bench.copy();
    await bench.boot(bench.initrd(), image, { processors: 2 });
    const [boot] = bench.read(image).boots;
    const ours = [deviceUnit(bench.system.device), "blankroot-rollback.service", "sysroot.mount"];
    expect(boot!.started.filter((unit) => ours.includes(unit))).toEqual(ours);
  });

  describe("in an emergency that comes after the mount", () => {
    // What is mended there by hand; then `systemctl default`, as the shell does when it is left.
    const mended = [
      fileEntry(
        `${UNITS}/broken.service`,
        `[Unit]
DefaultDependencies=no
After=sysroot.mount
Before=initrd-fs.target
[Service]
Type=oneshot
ExecStart=/bin/cat /run/mended
`,
      ),
      linkEntry(`${UNITS}/initrd-fs.target.requires/broken.service`, "../broken.service"),
      fileEntry(
        `${UNITS}/emergency.service`,
        `[Unit]
DefaultDependencies=no
Conflicts=shutdown.target
[Service]
ExecStart=/etc/mend
StandardOutput=tty
`,
      ),
      programEntry(
        "etc/mend",
        `#!/bin/bash
echo "mending"
: >/run/mended
systemctl --no-block default
`,
      ),
    ];

    test("is not run a second time by systemctl default", async () => {
      const image = bench.copy();
      const said = await bench.boot(bench.initrd({ files: mended }), image, { processors: 2 });
      expect(said).toContain("mending");
      const { boots, oldRoots } = bench.read(image);
      expect(boots[0]!.result!.outcome).toBe("done");
      expect(boots[0]!.messages.filter((line) => line.startsWith("rollback:"))).toEqual([
        "rollback: done",
        expect.stringMatching(/^rollback: the old root is old_roots\//),
      ]);
      expect(oldRoots).toHaveLength(1);
    });
  });
});
