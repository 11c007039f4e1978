/**
 * Power lost in a boot with a rollback: every write and flush of a real boot is recorded,
 * the states that they can leave behind are rebuilt, and on each the next rollback runs.
 */
import { expect, test } from "bun:test";
import { rmSync } from "node:fs";
import type { RollbackParameters } from "../../lib/boot/rollback.ts";
import { stage1Script } from "../../lib/boot/stage1.ts";
import { describeUnless } from "../support/privileged.ts";
import { BootBench } from "../support/vm/bench.ts";
import type { MakeInitrd } from "../support/vm/initrd.ts";
import { isLong } from "../support/vm/long.ts";
import { missingForBoots } from "../support/vm/parts.ts";
import { PowerOracle } from "../support/vm/power-oracle.ts";
import { type PowerState, powerStates, replay } from "../support/vm/power-states.ts";
import { scriptedInitrd } from "../support/vm/scripted-stage1.ts";
import { copyImage } from "../support/vm/system.ts";
import { systemdInitrd } from "../support/vm/systemd-stage1.ts";
import { readWriteLog, recordedDisk, type Segment } from "../support/vm/write-log.ts";

const SEEDS = isLong() ? [1, 2, 3, 4, 5, 6, 7, 8] : [1];
/** A segment, beside every prefix. */
const CHOICES = isLong() ? 40 : 6;
const TIMEOUT_MS = isLong() ? 3_600_000 : 600_000;

interface Recording {
  readonly bench: BootBench;
  readonly oracle: PowerOracle;
  /** Before the first of the writes. */
  readonly before: string;
  readonly log: string;
  readonly segments: readonly Segment[];
}

async function record(bench: BootBench, script = stage1Script): Promise<Recording> {
  const before = bench.copy();
  const oracle = new PowerOracle(bench.scratch, bench.system, before);
  const image = bench.copy(before);
  const log = bench.scratch.path("log");
  await bench.boot(bench.initrd({ script }), image, { devices: recordedDisk(image, log) });
  return { bench, oracle, before, log, segments: readWriteLog(log) };
}

/** Tries states in their order. @returns what is wrong with which, at most `limit` of them */
function faultsOf(recording: Recording, states: readonly PowerState[], limit = 10): string[] {
  const { bench, before, log, oracle, segments } = recording;
  const flushed = copyImage(bench.scratch, before, "flushed");
  const faults: string[] = [];
  let done = 0;
  for (const state of states) {
    for (; done < state.flushed; done++) replay(log, flushed, segments[done]!);
    const image = copyImage(bench.scratch, flushed, "state");
    replay(log, image, state.writes);
    faults.push(...oracle.faults(image).map((fault) => `${state.name}: ${fault}`));
    rmSync(image);
    if (faults.length >= limit) break;
  }
  return faults;
}

describeUnless(missingForBoots(), "power lost in a boot", () => {
  test.each<[string, MakeInitrd]>([
    ["systemd", systemdInitrd],
    ["scripted", scriptedInitrd],
  ])(
    "with %s stage 1 leaves a disk on which the next rollback makes all as it should be",
    async (kind, make) => {
      using bench = new BootBench(make);
      const recording = await record(bench);
      const { segments } = recording;
      const states = SEEDS.flatMap((seed) => powerStates(segments, seed, CHOICES)).sort(
        (one, other) => one.flushed - other.flushed,
      );
      const faults = faultsOf(recording, states);
      const writes = segments.flat().length;
      console.log(
        `${kind}: ${states.length} states tried, of ${writes} writes between ${segments.length} flushes`,
      );
      expect(faults).toEqual([]);
      expect(segments.length).toBeGreaterThan(5);
      expect(states.length).toBeGreaterThan(40);
    },
    TIMEOUT_MS,
  );

  test("is seen to lose the old root where that is deleted first", async () => {
    using bench = new BootBench(scriptedInitrd);
    const recording = await record(bench, deletingScript);
    const faults = faultsOf(recording, powerStates(recording.segments, 1, 0), 1);
    expect(faults.join()).toContain("the old root is there 0 times");

    // And a disk that loses what it has flushed is seen to be damaged.
    const { segments } = recording;
    const forgetful = segments.map((segment, index) => ({
      name: `all but segment ${index + 1}`,
      flushed: 0,
      writes: segments.filter((other) => other !== segment).flat(),
    }));
    const damages = faultsOf(recording, forgetful, forgetful.length);
    expect(damages.join("\n")).toMatch(/btrfs check|can't mount/);
  });
});

function deletingScript({ device }: RollbackParameters): string {
  return `mkdir /top
mount -t btrfs -o subvolid=5 ${device} /top
for path in /top/root/var/lib/machines/one /top/root/var/lib/machines /top/root; do
  btrfs subvolume delete $path
done
btrfs filesystem sync /top
btrfs subvolume snapshot /top/root-blank /top/root
umount /top
`;
}
