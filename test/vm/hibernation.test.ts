/**
 * A system that hibernates in the root that its boot made, and is resumed by a second
 * QEMU: the rollback must not run in between, for what is resumed goes on writing to the
 * file system as it was.
 */
import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { closeSync, openSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { RollbackParameters } from "../../lib/boot/rollback.ts";
import { stage1Script } from "../../lib/boot/stage1.ts";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import type { MakeInitrd, Stage1Options } from "../support/vm/initrd.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import { type ScriptedOptions, scriptedInitrd } from "../support/vm/scripted-stage1.ts";
import { checkImage, partitions, SWAP, SYSTEM } from "../support/vm/system.ts";
import { systemdInitrd } from "../support/vm/systemd-stage1.ts";

const RESUMES = "is resumed with its root and its memory, and rolled back when it boots anew";
/** Its image: compressing takes long under emulation. */
const UNCOMPRESSED = ["hibernate=nocompress"];
const RESUME = [`resume=${SWAP}`];
const HIBERNATES = "task: hibernates";
const RESUMED = /^task: resumed, .*$/m;
/** What either kind of stage 1 has on the console of a boot with a rollback. */
const ROLLED_BACK = /rollback: done|Finished blankroot-rollb/;
const INTACT = "task: resumed, variable same, memory same, file same";
/** As the kernel writes it to the end of the swap's first page while it holds an image. */
const SIGNATURE = "S1SUSPEND";
const SIGNATURE_AT = 4096 - 10;

/**
 * What stage 2 does in the place of its own work: keeps a word in a variable and in
 * memory, and files on the disk, hibernates, and looks for them afterwards.
 */
const TASK = `
word=$(cat /proc/sys/kernel/random/uuid)
mkdir /run/memory
mount -t tmpfs memory /run/memory
echo "$word" >/run/memory/word
dd if=/dev/urandom of=/var/large bs=1M count=8 2>/dev/null
sync
sum=$(sha256sum </var/large)
echo "$sum" >/run/memory/sum
swapon $(readlink -f ${SWAP})
echo shutdown >/sys/power/disk
echo "${HIBERNATES}"
if ! echo disk >/sys/power/state; then
  echo "task: can't hibernate"
  poweroff -f
fi
# What the file is on the disk, not what memory still has of it.
echo 3 >/proc/sys/vm/drop_caches
same() { [ "$2" = "$3" ] && echo "$1 same" || echo "$1 CHANGED"; }
echo "task: resumed, $(same variable $(cat /run/memory/word) $word)," \\
  "$(same memory "$(cat /run/memory/sum)" "$sum"), $(same file "$(sha256sum </var/large)" "$sum")"
echo "of boot $boot, resumed" >/var/resumed
`;

describeUnless(missingForBoots(), "a system that is hibernated", () => {
  describe("with systemd in stage 1", () => {
    const machine = hibernatedMachine(systemdInitrd);
    test(RESUMES, () => expectResumed(machine));
  });

  describe("with scripted stage 1", () => {
    const machine = hibernatedMachine<ScriptedOptions>(scriptedInitrd);
    const { bench, hibernated } = machine;
    const hook = "postDeviceCommands";
    test(RESUMES, () => expectResumed(machine));

    test("is seen to lose its old root, rolled back before it is resumed", async () => {
      const image = bench.copy(hibernated);
      const said = await bench.boot(bench.initrd({ hook }), image, { parameters: RESUME });
      expect(said).toMatch(/rollback: done.*resume from.*task: resumed/s);
      const name = /the old root is old_roots\/(\S+)/.exec(said)![1]!;
      expect(bench.read(image).oldRoots.map(([old]) => old)).not.toContain(name);
    });

    test("is seen to lose files, where its root is deleted before it is resumed", async () => {
      const image = bench.copy(hibernated);
      const initrd = bench.initrd({ hook, script: deletingScript });
      const devices = discardingDisk(image);
      const said = await bench.boot(initrd, image, { parameters: RESUME, devices });
      expect(RESUMED.exec(said)?.[0]).toContain("file CHANGED");
    });
  });
});

interface Machine {
  readonly bench: BootBench;
  readonly initrd: string;
  /** Its disk. */
  readonly hibernated: string;
}

function hibernatedMachine<Options extends Stage1Options>(make: MakeInitrd<Options>) {
  const bench = new BootBench<Options>(make);
  const initrd = bench.initrd();
  const hibernated = bench.copy();
  beforeAll(async () => {
    bench.change(hibernated, (top) => writeFileSync(join(top, SYSTEM, "task"), TASK));
    await bench.boot(initrd, hibernated, { parameters: UNCOMPRESSED, marker: HIBERNATES });
    expect(isHibernated(hibernated)).toBe(true);
  });
  afterAll(() => bench[Symbol.dispose]());
  return { bench, initrd, hibernated };
}

async function expectResumed({ bench, initrd, hibernated }: Machine): Promise<void> {
  const image = bench.copy(hibernated);
  const said = await bench.boot(initrd, image, { parameters: RESUME });
  expect(RESUMED.exec(said)?.[0]).toBe(INTACT);
  expect(said).not.toMatch(ROLLED_BACK);
  expect(isHibernated(image)).toBe(false);
  const { boots, oldRoots } = bench.read(image);
  expect([boots.length, oldRoots.length]).toEqual([1, 1]);
  expect(checkImage(image)).toBe("");

  bench.change(image, (top) => writeFileSync(join(top, SYSTEM, "task"), ""));
  expect(await bench.boot(initrd, image, { parameters: RESUME })).toMatch(ROLLED_BACK);
  const after = bench.read(image);
  expect(after.boots[1]).toMatchObject({ root: [], result: { outcome: "done" } });
  expect(after.oldRoots).toHaveLength(2);
}

/** Keeps no old root, and tells the disk what is free, as kernels since 6.2 do unasked. */
function deletingScript(parameters: RollbackParameters): string {
  return `${stage1Script({ ...parameters, keepOld: false })}
mkdir /top
mount -t btrfs -o subvolid=5,discard,commit=1 ${parameters.device} /top
btrfs subvolume sync /top
umount /top
`;
}

function discardingDisk(image: string): string[] {
  return ["-drive", `file=${image},format=raw,if=virtio,cache=unsafe,discard=unmap`];
}

function isHibernated(image: string): boolean {
  const bytes = Buffer.alloc(SIGNATURE.length);
  const file = openSync(image, "r");
  readSync(file, bytes, 0, bytes.length, partitions(image).swap.start + SIGNATURE_AT);
  closeSync(file);
  return bytes.toString() === SIGNATURE;
}
