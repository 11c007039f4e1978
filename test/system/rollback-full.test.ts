/** The rollback that is hindered: every call failing as on a full disk, a disk that is full, Ctrl-C. */
import { expect, test } from "bun:test";
import {
  closeSync,
  mkdirSync,
  openSync,
  rmSync,
  utimesSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { Machine, NAMES } from "../support/rollback.ts";
import type { ShellName } from "../support/rollback-programs.ts";
import { strikeEach } from "../support/rollback-strikes.ts";

describePrivileged("rollback.sh, hindered", () => {
  test.each([
    ["bash", "fail"],
    ["ash", "fail"],
    ["dash", "fail-late"],
    ["bash -u", "interrupt"],
    ["ash", "interrupt"],
  ] as const)(
    "changes nothing or finishes, under %s, when there is at any call: %s",
    (shell, strike) => {
      using scratch = new Scratch();
      const machine = new Machine(scratch);
      const faults: string[] = [];
      const endings = { unchanged: 0, finished: 0 };
      const count = strikeEach(machine, { shell, strike }, (at, call, status) => {
        const place = `${strike} ${at} (${call}), status ${status}`;
        // A failed umount leaves its mount, as it must.
        if (call.startsWith("umount ")) machine.unmount();
        const finished = machine.faults().length === 0;
        const unchanged = machine.changes().length === 0;
        if (finished) endings.finished++;
        else if (unchanged) endings.unchanged++;
        else faults.push(`${place}: neither: ${machine.faults()} ${machine.changes()}`);
        if (status === 0 && !finished) faults.push(`${place}: it says that it is done`);
        const again = machine.run({ shell });
        if (again.status !== 0) faults.push(`${place}: the next run fails: ${again.stderr}`);
        for (const fault of machine.faults()) faults.push(`${place}, run again: ${fault}`);
      });
      machine.eject();
      expect(faults).toEqual([]);
      expect(count).toBeGreaterThan(15);
      expect(endings.unchanged).toBeGreaterThan(5);
      expect(endings.finished).toBeGreaterThan(3);
    },
  );

  test("finishes at the next boot where nothing works any more from any call on", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    const faults: string[] = [];
    strikeEach(machine, { shell: "ash", strike: "fail-onward" }, (at, call) => {
      machine.losePower();
      const { status, stderr } = machine.run({ shell: "ash" });
      if (status !== 0) faults.push(`${at} (${call}): ${stderr}`);
      for (const fault of machine.faults()) faults.push(`${at} (${call}): ${fault}`);
    });
    machine.eject();
    expect(faults).toEqual([]);
  });

  test("says what failed, and that nothing was changed", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    const at = machine.run({ shell: "ash" }).calls.findIndex((call) => call.startsWith("mv -T"));
    machine.insert();
    const { status, result } = machine.run({ shell: "ash", at: at + 2, strike: "fail" });
    machine.eject();
    expect(status).toBe(1);
    expect(result).toMatchObject({
      outcome: "failed",
      reason:
        "can't put the new root in its place: mv: No space left on device: nothing was changed",
      old_root: "",
    });
  });

  test.each<ShellName>(["bash", "ash"])(
    "does so where there is truly no space, under %s",
    (shell) => {
      using scratch = new Scratch();
      const machine = new Machine(scratch, NAMES, (top) => plantFiller(`${top}/home/filler`));
      machine.insert();
      const top = mountAt(scratch, "fill", machine.device);
      fill(`${top}/home/filler`);
      sh(["umount", top]);
      const { status, stderr } = machine.run({ shell });
      mountAt(scratch, "fill", machine.device);
      rmSync(`${top}/home/filler/big`);
      rmSync(`${top}/home/filler`, { recursive: true });
      plantFiller(`${top}/home/filler`);
      sh(["umount", top]);
      const faults = status === 0 ? machine.faults() : machine.changes();
      machine.eject();
      expect({ status, stderr, faults }).toMatchObject({ faults: [] });
    },
  );
});

/** An empty directory whose digest doesn't tell when it was made, in one whose doesn't either. */
function plantFiller(dir: string): void {
  mkdirSync(dir);
  utimesSync(dir, 1, 1);
  utimesSync(dirname(dir), 1, 1);
}

/** Fills data with one big file, then metadata with small ones, until not one more fits. */
function fill(dir: string): void {
  untilFull(() => {
    const file = openSync(`${dir}/big`, "a");
    try {
      for (;;) writeSync(file, Buffer.alloc(1024 ** 2, 1));
    } finally {
      closeSync(file);
    }
  });
  untilFull(() => {
    for (let n = 0; ; n++) writeFileSync(`${dir}/${n}-${"long".repeat(50)}`, "x".repeat(1500));
  });
}

function untilFull(write: () => void): void {
  expect(write).toThrow("ENOSPC");
}
