/**
 * Power lost at every call of the rollback. What is right afterwards, the oracle
 * of test/support/rollback.ts says; it is itself tested here, with scripts that
 * are wrong.
 */
import { expect, test } from "bun:test";
import { rollbackScript } from "../../lib/boot/rollback.ts";
import { Scratch } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { Machine } from "../support/rollback.ts";
import type { ShellName, Strike } from "../support/rollback-programs.ts";
import { interrupted, losePowerAtEach, strikeEach } from "../support/rollback-strikes.ts";

const KILLS: Strike[] = ["kill-before", "kill-after", "kill-committed"];

describePrivileged("rollback.sh, when power is lost", () => {
  test.each<ShellName>(["bash", "ash"])(
    "ends with a blank root at the next run, the old one kept once, at every call, under %s",
    (shell) => {
      using scratch = new Scratch();
      const machine = new Machine(scratch);
      for (const strike of KILLS) {
        const { count, faults, outcomes } = losePowerAtEach(machine, { shell, strike });
        expect(faults).toEqual([]);
        expect(count).toBeGreaterThan(15);
        expect([...outcomes].sort()).toEqual(
          strike === "kill-committed" ? ["done", "finished"] : ["done"],
        );
      }
      machine.eject();
    },
  );

  test("ends so too when the run that finishes is interrupted in its turn", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    for (const [state, image] of interrupted(machine)) {
      const { count, faults } = losePowerAtEach(machine, {
        shell: "ash",
        strike: "kill-committed",
        image,
      });
      expect({ state, faults }).toEqual({ state, faults: [] });
      expect(count).toBeGreaterThan(8);
    }
    machine.eject();
  });

  test("ends so too when it is killed and the system goes on, its mount still there", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    const faults: string[] = [];
    strikeEach(machine, { shell: "dash", strike: "kill-after" }, (at, call) => {
      const { status, stderr } = machine.run({ shell: "dash" });
      if (status !== 0) faults.push(`${at} (${call}): ${stderr}`);
      if (Bun.spawnSync(["mountpoint", "--quiet", machine.top]).exitCode === 0)
        faults.push(`${at} (${call}): left its mount`);
      for (const fault of machine.faults()) faults.push(`${at} (${call}): ${fault}`);
    });
    expect(faults).toEqual([]);
    machine.eject();
  });

  test("deletes the old root in the end, where none is kept, if power is lost on the way", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    const { calls } = machine.run({ shell: "ash", keepOld: false });
    expect(machine.faults("deleted")).toEqual([]);
    const from = calls.findIndex((call) => call.startsWith("btrfs subvolume list")) + 1;
    const series = { shell: "ash", strike: "kill-committed", keepOld: false, from } as const;
    const { count, faults } = losePowerAtEach(machine, series);
    machine.eject();
    expect(faults).toEqual([]);
    expect(count - from).toBeGreaterThan(6);
  });

  test.each<[string, (text: string) => string, RegExp]>([
    [
      "deletes the root and takes the snapshot whether or not that worked",
      () =>
        'set +e; mkdir -p "$top"; mount -o subvolid=5 "$device" "$top"; btrfs subvolume delete "$top/root"; btrfs subvolume snapshot "$top/root-blank" "$top/root"; umount "$top"',
      /root is not blank, inside is etc,root-blank,var/,
    ],
    [
      "makes the new root without looking for what an interrupted run left",
      (text) =>
        text.replace(/^ {4}(if exists "\$next"; then die.*in the way.*|look_at_next)$/gm, ""),
      /root is not blank, inside is root-blank/,
    ],
    [
      "doesn't roll an interrupted swap forward",
      (text) => text.replace('elif exists "$next"; then', "elif false; then"),
      /at the top: home,nix,old_roots,persist,root-blank,root.blankroot-next, expected/,
    ],
    [
      "takes every root for a blank one",
      (text) => text.replace("if is_unused; then", "if true; then"),
      /root is not blank, inside is etc,var/,
    ],
  ])("is tested by an oracle that catches a script that %s", (_, breakIt, message) => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    const found: string[] = [];
    for (const [, image] of interrupted(machine)) {
      machine.insert(image);
      const { top, device } = machine.parameters();
      const sound = rollbackScript(machine.parameters());
      const script = breakIt(sound);
      expect(script).not.toBe(sound);
      machine.run({ shell: "dash", script: `top=${top} device=${device}\n${script}` });
      found.push(...machine.faults());
    }
    machine.eject();
    expect(found.join("\n")).toMatch(message);
  });
});
