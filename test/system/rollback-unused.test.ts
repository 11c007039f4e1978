/**
 * Which root the rollback takes for blank and unused: setting such a one aside
 * would only litter, but to leave a used one in its place would be a wipe that
 * didn't happen.
 */
import { expect, test } from "bun:test";
import { readdirSync, writeFileSync } from "node:fs";
import { mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { Machine } from "../support/rollback.ts";

describePrivileged("rollback.sh", () => {
  test("sets nothing aside where the root is blank and unused, as after a run that ended late", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    machine.run({ shell: "ash" });
    const again = machine.run({ shell: "ash" });
    expect(again.result).toMatchObject({ outcome: "done", old_root: "" });
    expect(again.result.reason).toBe("the root was blank and unused");
    expect(machine.faults()).toEqual([]);
    machine.eject();
  });

  test("sets a root aside that is an unused snapshot, but of something else", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    const { old_root } = machine.run({ shell: "dash" }).result;
    machine.onDisk((top) => {
      sh(["btrfs", "subvolume", "delete", `${top}/root`]);
      sh(["btrfs", "subvolume", "snapshot", `${top}/old_roots/${old_root}`, `${top}/root`]);
    });
    const { result } = machine.run({ shell: "dash" });
    const [now, then] = machine.onDisk((top) => [
      readdirSync(`${top}/root`),
      readdirSync(`${top}/old_roots/${result.old_root}`).sort(),
    ]);
    expect([now, then]).toEqual([[], ["etc", "var"]]);
    machine.eject();
  });

  test("sets a root aside that has only an attribute more than the blank one", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    machine.run({ shell: "ash" });
    machine.onDisk((top) => sh(["chmod", "0700", `${top}/root`]));
    const { result } = machine.run({ shell: "ash" });
    const modes = machine.onDisk((top) => [
      sh(["stat", "--format=%a", `${top}/root`]).trim(),
      sh(["stat", "--format=%a", `${top}/old_roots/${result.old_root}`]).trim(),
    ]);
    expect(modes).toEqual(["755", "700"]);
    machine.eject();
  });

  test("sets a root aside whose only change was in the log when power was lost", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    machine.run({ shell: "ash" });
    const root = mountAt(scratch, "root", machine.device, "subvol=root,noatime,commit=300");
    writeFileSync(`${root}/letter`, "dear\n", { flush: true });
    const remains = machine.keepImage("remains");
    const superblock = sh(["btrfs", "inspect-internal", "dump-super", remains]);
    expect(superblock).toMatch(/^log_root\s+[1-9]/m);
    sh(["umount", root]);
    machine.insert(remains);
    const { result } = machine.run({ shell: "ash" });
    const [now, then] = machine.onDisk((top) => [
      readdirSync(`${top}/root`),
      readdirSync(`${top}/old_roots/${result.old_root}`),
    ]);
    expect([now, then]).toEqual([[], ["letter"]]);
    machine.eject();
  });
});
