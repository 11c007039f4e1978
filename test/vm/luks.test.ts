/** The rollback on an encrypted disk, whose passphrase somebody types on the console. */
import { afterAll, expect, test } from "bun:test";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import {
  crypttab,
  decryptedImage,
  encryptedImage,
  LIVED_IN,
  MAPPER,
  PASSPHRASE,
} from "../support/vm/luks.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import type { Step } from "../support/vm/qemu.ts";
import { systemdInitrd } from "../support/vm/systemd-stage1.ts";

const ASKS = /Please enter passphrase/;
const TYPING_MS = 1_500;

function typed(passphrase: string): Step {
  return {
    when: ASKS,
    async act(type) {
      await Bun.sleep(TYPING_MS);
      type(`${passphrase}\n`);
    },
  };
}

describeUnless(missingForBoots(["qemu-img"]), "the rollback on an encrypted disk", () => {
  const bench = new BootBench(systemdInitrd);
  afterAll(() => bench[Symbol.dispose]());

  test("waits for the passphrase, also for the right one after a wrong one", async () => {
    const image = encryptedImage(bench.scratch, bench.parts, bench.system);
    const files = [crypttab(bench.scratch)];
    const initrd = bench.initrd({ device: `/dev/mapper/${MAPPER}`, files });
    await bench.boot(initrd, image, { steps: [typed("wrong"), typed(PASSPHRASE)] });
    const clear = decryptedImage(bench.scratch, image, bench.system);
    const { boots, oldRoots, state } = bench.read(clear);
    expect(boots).toHaveLength(1);
    expect(boots[0]).toMatchObject({ root: [], stateBefore: undefined });
    expect(boots[0]!.result).toMatchObject({ outcome: "done", boot_id: boots[0]!.bootId });
    expect(oldRoots.map(([, kept]) => kept)).toEqual([LIVED_IN]);
    expect(state).toBe("of boot 1");
  });
});
