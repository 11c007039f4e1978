/** The kept machine id is in its place before the system of stage 2 begins. */
import { afterAll, expect, test } from "bun:test";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { MACHINE_ID, machineIdScript, machineIdUnit } from "../../lib/boot/machine-id.ts";
import { installLinks, unitFile } from "../../lib/boot/unit.ts";
import { fileEntry, linkEntry, programEntry } from "../support/cpio.ts";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import { SYSTEM } from "../support/vm/system.ts";
import { systemdInitrd } from "../support/vm/systemd-stage1.ts";
import { textOf } from "../support/vm/text-of.ts";

const UNITS = "etc/systemd/system";
const SCRIPT = "etc/blankroot/machine-id";
/** What init finds first of all: nothing in stage 2 has run before it. */
const TASK = `[ ! -e ${MACHINE_ID} ] || cp ${MACHINE_ID} $here/machine-id\n`;

describeUnless(missingForBoots(), "the unit for the machine id", () => {
  const bench = new BootBench(systemdInitrd);
  afterAll(() => bench[Symbol.dispose]());

  function initrdWithUnit(): string {
    const unit = machineIdUnit("/persist");
    const script = machineIdScript({ sysroot: "/sysroot", persist: "/persist" });
    const file = `${UNITS}/${unit.name}.service`;
    return bench.initrd({
      files: [
        fileEntry(file, unitFile(unit, `/${SCRIPT}`)),
        ...installLinks(unit).map((path) => linkEntry(`${UNITS}/${path}`, `/${file}`)),
        programEntry(SCRIPT, `#!/bin/bash\nset -e\nexport PATH=/etc/blankroot/bin\n${script}`),
      ],
    });
  }

  /** Boots as often as there are initrds. @returns the id that each boot found, and the one that is kept */
  async function idsOf(initrds: readonly string[], kept: string | undefined) {
    const image = bench.copy();
    const persisted = join("persist", MACHINE_ID);
    bench.change(image, (top) => {
      writeFileSync(join(top, SYSTEM, "task"), TASK);
      if (kept === undefined) return;
      mkdirSync(join(top, "persist/etc"));
      writeFileSync(join(top, persisted), kept);
    });
    for (const initrd of initrds) await bench.boot(initrd, image);
    const found: { ids: (string | undefined)[]; kept: string | undefined } = {
      ids: [],
      kept: undefined,
    };
    bench.change(image, (top) => {
      found.ids = initrds.map((_, index) =>
        textOf(join(top, "persist/boots", String(index + 1), "machine-id")),
      );
      found.kept = textOf(join(top, persisted));
    });
    return found;
  }

  test.concurrent("gives each boot the id that is kept", async () => {
    const id = "0123456789abcdef0123456789abcdef";
    const initrd = initrdWithUnit();
    expect(await idsOf([initrd], `${id}\n`)).toEqual({ ids: [id], kept: id });
  });

  test.concurrent("makes one at the first boot and keeps it, and without it there is none", async () => {
    const initrd = initrdWithUnit();
    const { ids, kept } = await idsOf([initrd, initrd, bench.initrd()], undefined);
    expect(kept).toMatch(/^[0-9a-f]{32}$/);
    expect(ids).toEqual([kept, kept, undefined]);
  });
});
