/** What only a systemd stage 1 has: an order of units, and ways to start one twice. */
import { afterAll, describe, expect, test } from "bun:test";
import type { RollbackParameters } from "../../lib/boot/rollback.ts";
import { stage1Script } from "../../lib/boot/stage1.ts";
import { deviceUnit } from "../../lib/boot/unit.ts";
import { type Entry, fileEntry, linkEntry, programEntry } from "../support/cpio.ts";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import { isLong } from "../support/vm/long.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import { systemdInitrd } from "../support/vm/systemd-stage1.ts";

/** What hangs once in a while, hangs in many boots. */
const BOOTS = isLong() ? 150 : 1;
const BOOT_TIMEOUT_MS = 360_000;
const DISK_MODULES = "virtio_pci\nvirtio_blk\ncrc32c_generic\nbtrfs\n";
const UNITS = "etc/systemd/system";

/** The rollback, which waits amid its work until the device is back. */
function waitingScript(parameters: RollbackParameters): string {
  return `date() {
  until [ -e /run/back ]; do /usr/bin/sleep 0.1; done
  command date "$@"
}
${stage1Script(parameters)}`;
}

describeUnless(missingForBoots(), "the unit in systemd's stage 1", () => {
  const bench = new BootBench(systemdInitrd);
  afterAll(() => bench[Symbol.dispose]());

  // A driver that is there before udev brings each disk twice, the second time perhaps
  // while the rollback runs.
  test.each<[string, readonly Entry[]]>([
    ["by udev", []],
    ["before udev", [fileEntry("etc/modules-load.d/disk.conf", DISK_MODULES)]],
  ])(
    `comes after a device whose driver is loaded %s, and before the mount, in each of ${BOOTS} boots`,
    async (how, files) => {
      const image = bench.copy();
      const initrd = bench.initrd({ files });
      const took: number[] = [];
      for (let count = 0; count < BOOTS; count++) {
        const start = performance.now();
        await bench.boot(initrd, image, { processors: 2 });
        took.push((performance.now() - start) / 1000);
      }
      console.log(
        `driver ${how}: ${BOOTS} boots, the slowest took ${Math.max(...took).toFixed(1)} s`,
      );
      const { boots, oldRoots } = bench.read(image);
      const ours = [deviceUnit(bench.system.device), "blankroot-rollback.service", "sysroot.mount"];
      expect(boots.map((boot) => boot.started.filter((unit) => ours.includes(unit)))).toEqual(
        Array(BOOTS).fill(ours),
      );
      expect(boots.flatMap(({ root }) => root)).toEqual([]);
      expect(oldRoots).toHaveLength(BOOTS);
    },
    BOOTS * BOOT_TIMEOUT_MS,
  );

  test("goes on where udev takes its device away for a moment", async () => {
    const device = deviceUnit(bench.system.device);
    const files = [
      fileEntry(
        "etc/udev/rules.d/98-away.rules",
        'ACTION=="change", SUBSYSTEM=="block", TEST=="/run/away", ENV{SYSTEMD_READY}="0"\n',
      ),
      fileEntry(
        `${UNITS}/away.service`,
        "[Unit]\nDefaultDependencies=no\n[Service]\nType=oneshot\nExecStart=/etc/away\n",
      ),
      linkEntry(`${UNITS}/initrd.target.wants/away.service`, "../away.service"),
      programEntry(
        "etc/away",
        `#!/bin/bash
until [ -d /run/blankroot/top ]; do sleep 0.01; done
: >/run/away
udevadm trigger --settle --subsystem-match=block
echo "away: $(systemctl is-active '${device}')"
rm /run/away
udevadm trigger --settle --subsystem-match=block
: >/run/back
`,
      ),
    ];
    const image = bench.copy();
    await bench.boot(bench.initrd({ files, script: waitingScript }), image);
    const [boot] = bench.read(image).boots;
    expect(boot!.result).toMatchObject({ outcome: "done", warning: "" });
    expect(boot!.messages.filter((line) => /^(away|rollback): \w+$/.test(line))).toEqual([
      "away: inactive",
      "rollback: done",
    ]);
  });

  describe("in an emergency that comes after the mount", () => {
    // What is mended there by hand; then `systemctl default`, as the shell does when it is left.
    // A hand is slower than units that the emergency still stops: systemd refuses to start
    // again what is being stopped, and one that fails meanwhile begins a second emergency.
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
until [ -z "$(systemctl list-jobs --no-legend)" ]; do sleep 0.1; done
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
