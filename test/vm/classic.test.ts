/**
 * The control: the script that most configurations copy from one another. It lists the
 * subvolumes of the root, deletes them, then the root, and takes a snapshot. Where these
 * tests pass with ours, they must be seen to fail with it.
 */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { existsSync, mkdirSync } from "node:fs";
import { dirname, join } from "node:path";
import type { RollbackParameters } from "../../lib/boot/rollback.ts";
import { sh } from "../support/disk.ts";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import { scriptedInitrd } from "../support/vm/scripted-stage1.ts";

describeUnless(missingForBoots(), "the classic script", () => {
  const bench = new BootBench(scriptedInitrd);
  const initrd = bench.initrd({ script: classicScript });
  /** Booted once: with state in the root. */
  const lived = bench.copy();
  beforeAll(() => bench.boot(initrd, lived));
  afterAll(() => bench[Symbol.dispose]());

  async function bootWith(...nested: string[]) {
    const image = bench.copy(lived);
    bench.change(image, (top) => {
      for (const path of nested) {
        mkdirSync(dirname(join(top, "root", path)), { recursive: true });
        sh(["btrfs", "--quiet", "subvolume", "create", join(top, "root", path)]);
      }
    });
    await bench.boot(initrd, image);
    return { image, record: bench.read(image).boots[1]! };
  }

  test("makes a blank root where one level of subvolumes is in the old one, which is lost", async () => {
    const { image, record } = await bootWith("var/lib/machines");
    expect(record.root).toEqual([]);
    expect(bench.read(image).oldRoots).toEqual([]);
  });

  test("boots the unwiped root with two levels, the snapshot inside of it", async () => {
    const { image, record } = await bootWith("var/lib/machines", "var/lib/machines/one");
    expect(record.stateBefore).toBe("of boot 1");
    bench.change(image, (top) => expect(existsSync(join(top, "root/root-blank"))).toBe(true));
  });
});

function classicScript({ device, root, blank }: RollbackParameters): string {
  return `mkdir -p /top
mount -t btrfs -o subvolid=5 ${device} /top
btrfs subvolume list -o /top/${root} | cut -d ' ' -f 9 | while read inner; do
  btrfs subvolume delete /top/$inner
done
btrfs subvolume delete /top/${root}
btrfs subvolume snapshot /top/${blank} /top/${root}
umount /top
`;
}
