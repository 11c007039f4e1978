/** The kept machine id is in its place before the system of stage 2 begins. */
import { afterAll, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
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

const KEPT = join("persist", MACHINE_ID);

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

  /** Boots. @returns the ids that this boot found, and that is kept */
  async function idsOf(initrd: string, image: string, boot: number) {
    await bench.boot(initrd, image);
    let ids: (string | undefined)[] = [];
    bench.change(image, (top) => {
      ids = [join("persist/boots", String(boot), "machine-id"), KEPT].map((file) =>
        textOf(join(top, file)),
      );
    });
    return ids;
  }

  test("gives each boot the id that is kept, makes one at the first, and without it there is none", async () => {
    const image = bench.copy();
    const initrd = initrdWithUnit();
    bench.change(image, (top) => writeFileSync(join(top, SYSTEM, "task"), TASK));
    const [made, kept] = await idsOf(initrd, image, 1);
    expect(made).toMatch(/^[0-9a-f]{32}$/);
    expect(kept).toBe(made);

    const other = "0123456789abcdef0123456789abcdef";
    bench.change(image, (top) => writeFileSync(join(top, KEPT), `${other}\n`));
    expect(await idsOf(initrd, image, 2)).toEqual([other, other]);
    expect(await idsOf(bench.initrd(), image, 3)).toEqual([undefined, other]);
  });
});
