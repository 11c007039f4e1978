/** The rollback's text on disks that are not as they should be, and among the text of others. */
import { expect, test } from "bun:test";
import { existsSync, mkdirSync, readdirSync, symlinkSync, writeFileSync } from "node:fs";
import { rollbackScript } from "../../lib/boot/rollback.ts";
import { mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { create, Machine, NAMES } from "../support/rollback.ts";
import { SHELLS, type ShellName } from "../support/rollback-programs.ts";

const OLD = "20260101T000000Z-00000000-0000-0000-0000-000000000000";

/** Every subvolume with its id and path, every name at the top. */
function listing(machine: Machine): string {
  return machine.onDisk((top) => {
    const subvolumes = sh(["btrfs", "subvolume", "list", "-pu", top]).replace(/gen \d+/g, "");
    return subvolumes + sh(["ls", "-lA", "--time-style=full-iso", top]);
  });
}

describePrivileged("rollback.sh", () => {
  test.each<[string, (top: string) => void, RegExp]>([
    [
      "no blank one",
      (top) => sh(["btrfs", "subvolume", "delete", `${top}/root-blank`]),
      /^there is no root-blank: nothing was changed$/,
    ],
    [
      "a blank one that is writable",
      (top) => sh(["btrfs", "property", "set", "-ts", `${top}/root-blank`, "ro", "false"]),
      /^root-blank is not read-only: nothing was changed$/,
    ],
    [
      "a blank one that is a plain directory",
      (top) => {
        sh(["btrfs", "subvolume", "delete", `${top}/root-blank`]);
        mkdirSync(`${top}/root-blank`);
      },
      /^root-blank is no subvolume: nothing was changed$/,
    ],
    [
      "a root that is a symbolic link",
      (top) => {
        sh(["mv", `${top}/root`, `${top}/elsewhere`]);
        symlinkSync("elsewhere", `${top}/root`);
      },
      /^root is no subvolume: nothing was changed$/,
    ],
    [
      "a root that is a plain directory",
      (top) => {
        sh(["mv", `${top}/root`, `${top}/elsewhere`]);
        mkdirSync(`${top}/root`);
      },
      /^root is no subvolume: nothing was changed$/,
    ],
    [
      "somebody's subvolume where the successor is made",
      (top) => create(`${top}/root.blankroot-next`),
      /^root\.blankroot-next is no snapshot of root-blank: nothing was changed$/,
    ],
    [
      "somebody's directory there",
      (top) => mkdirSync(`${top}/root.blankroot-next`),
      /^root\.blankroot-next is no snapshot of root-blank: nothing was changed$/,
    ],
    [
      "somebody's subvolume there and no root",
      (top) => {
        create(`${top}/root.blankroot-next`);
        sh(["mv", `${top}/root`, `${top}/elsewhere`]);
      },
      /^root\.blankroot-next is no snapshot of root-blank: nothing was changed$/,
    ],
    [
      "a file for the old roots",
      (top) => writeFileSync(`${top}/old_roots`, ""),
      /^old_roots is no directory: nothing was changed$/,
    ],
    [
      "a symbolic link for the old roots",
      (top) => symlinkSync("home", `${top}/old_roots`),
      /^old_roots is no directory: nothing was changed$/,
    ],
  ])("changes nothing where there is %s", (_, plant, reason) => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    machine.onDisk(plant);
    const before = listing(machine);
    const { status, result } = machine.run({ shell: "ash" });
    expect(result.reason).toMatch(reason);
    expect([status, result.outcome]).toEqual([1, "failed"]);
    expect(listing(machine)).toBe(before);
    machine.eject();
  });

  test("changes nothing while the root is mounted anywhere, a part of it too", () => {
    using scratch = new Scratch();
    const names = { ...NAMES, root: "a root" };
    const machine = new Machine(scratch, names);
    machine.insert();
    for (const subvolume of ["a root", "a root/var/lib/machines"]) {
      mountAt(scratch, "in use", machine.device, `subvol=${subvolume}`);
      const { status, result } = machine.run({ shell: "bash -u" });
      sh(["umount", scratch.path("in use")]);
      expect(status).toBe(1);
      expect(result.reason).toMatch(/^the root is mounted at \S+in\\040use: nothing was changed$/);
      expect(machine.changes()).toEqual([]);
    }
    machine.eject();
  });

  test("takes names with spaces, quotes and what a shell would read", () => {
    using scratch = new Scratch();
    const names = { root: "-a 'root' * $(x)", blank: "blank `one`; é", oldRoots: "old  roots?" };
    const machine = new Machine(scratch, names);
    for (const shell of Object.keys(SHELLS) as ShellName[]) {
      machine.insert();
      const { status, stderr } = machine.run({ shell });
      expect({ shell, status, stderr, faults: machine.faults() }).toMatchObject({
        status: 0,
        faults: [],
      });
    }
    machine.eject();
  });

  test("finds a name for the old root where the clock stands still", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    const script = `date() { echo 20260101T000000Z; }\n${rollbackScript(machine.parameters())}`;
    const names = [0, 1, 2].map((n) => {
      machine.onDisk((top) => writeFileSync(`${top}/root/${n}`, ""));
      return machine.run({ shell: "ash", script }).result.old_root ?? "";
    });
    const { boot_id } = machine.run({ shell: "ash", script }).result;
    const expected = ["", "+2", "+3"].map((end) => `20260101T000000Z-${boot_id}${end}`);
    expect(names).toEqual(expected);
    expect(machine.onDisk((top) => readdirSync(`${top}/old_roots`).sort())).toEqual(names);
    machine.eject();
  });

  test("keeps old roots in a subvolume as well, and others from looking into them", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    const mode = (top: string) => sh(["stat", "--format=%a", `${top}/old_roots`]).trim();
    machine.run({ shell: "bash" });
    expect(machine.onDisk(mode)).toBe("700");
    machine.insert();
    machine.onDisk((top) => create(`${top}/old_roots`));
    expect(machine.run({ shell: "bash" }).status).toBe(0);
    expect(machine.faults()).toEqual([]);
    machine.eject();
  });

  test.each<ShellName>(["bash -u", "ash"])(
    "deletes old roots with all inside where none is kept, and nothing else, under %s",
    (shell) => {
      using scratch = new Scratch();
      const machine = new Machine(scratch);
      machine.insert();
      machine.onDisk((top) => {
        mkdirSync(`${top}/old_roots`);
        create(`${top}/old_roots/${OLD}`);
        create(`${top}/old_roots/${OLD}/two  words`);
        create(`${top}/old_roots/${OLD}/two  words/*`);
        // Lines that a listing would show as a subvolume of the old root's: home's id, forged.
        const [old, home] = [`old_roots/${OLD}`, "home"].map((path) => idOf(`${top}/${path}`));
        create(`${top}/old_roots/${OLD}/x\nID ${home} gen 1 top level ${old} path ${"home"}`);
        // What btrfs would show of these, were it read by the line: another parent, another id.
        for (const field of ["Parent ID", "Subvolume ID"]) {
          create(`${top}/old_roots/${OLD}/y\n\t${field}: \t\t${home}`);
          create(`${top}/old_roots/${OLD}/y\n\t${field}: \t\t${home}/inside\n`);
        }
        symlinkSync("../../home", `${top}/old_roots/${OLD}/link`);
        create(`${top}/old_roots/of-somebody`);
        mkdirSync(`${top}/old_roots/${OLD}+2`);
      });
      const { status, result } = machine.run({ shell, keepOld: false });
      expect([status, result.outcome]).toEqual([0, "done"]);
      expect(result.warning).toMatch(/^left alone: \S+\+2 is no subvolume$/);
      machine.onDisk((top) => {
        expect(readdirSync(`${top}/old_roots`).sort()).toEqual([`${OLD}+2`, "of-somebody"]);
        sh(["rmdir", `${top}/old_roots/${OLD}+2`, `${top}/old_roots/of-somebody`]);
      });
      expect(machine.faults("deleted")).toEqual([]);
      machine.eject();
    },
  );

  test("says so where an old root can't be deleted, and has rolled back all the same", () => {
    using scratch = new Scratch();
    const machine = new Machine(scratch);
    machine.insert();
    const { calls } = machine.run({ shell: "dash", keepOld: false });
    const at = calls.findIndex((call) => call.startsWith("btrfs subvolume delete")) + 1;
    machine.insert();
    const { status, result } = machine.run({ shell: "dash", keepOld: false, at, strike: "fail" });
    expect([status, result.outcome]).toEqual([0, "done"]);
    expect(result.warning).toMatch(/^can't delete subvolume \d+ of an old root: .*No space left/);
    expect(machine.run({ shell: "dash", keepOld: false }).result.warning).toBe("");
    expect(machine.faults("deleted")).toEqual([]);
    machine.eject();
  });

  test.each(Object.keys(SHELLS) as ShellName[])(
    "is a guest in another script under %s: its traps, options, variables and end stay",
    (shell) => {
      using scratch = new Scratch();
      const machine = new Machine(scratch);
      machine.insert();
      machine.onDisk((top) => sh(["btrfs", "subvolume", "delete", `${top}/root-blank`]));
      const text = rollbackScript(machine.parameters());
      const script = `trap 'echo host-trap' EXIT; root=mine; die() { echo host-die; }
if (${text}); then echo status 0; else echo status 1; fi
echo "root=$root"; die; blankroot_skip=yes\n${text}echo went on`;
      const { status, stderr, result } = machine.run({ shell, script });
      expect(status).toBe(0);
      for (const said of ["status 1\n", "root=mine\n", "host-die\n", "went on\n", "host-trap\n"]) {
        expect(stderr).toContain(said);
      }
      expect(result.outcome).toBe("skipped");
      machine.eject();
    },
  );

  test.each(Object.keys(SHELLS) as ShellName[])(
    "runs no program but its own under %s, where there are no others",
    (shell) => {
      using scratch = new Scratch();
      const machine = new Machine(scratch);
      machine.insert();
      const script = `set -f\n${rollbackScript(machine.parameters(false))}`;
      const { stderr, calls } = machine.run({ shell, script });
      expect(machine.faults("deleted")).toEqual([]);
      expect(stderr).not.toContain("not found");
      // busybox has its other programs within itself; the text is the same for all.
      const other = machine.run({ shell, script: "cat /dev/null" });
      if (shell !== "ash") expect(other.stderr).toContain("not found");
      const programs = new Set(calls.map((call) => call.split(" ")[0]!));
      expect([...programs].sort()).toEqual([
        "btrfs",
        "date",
        "mkdir",
        "mount",
        "mv",
        "rmdir",
        "umount",
      ]);
      expect(existsSync(machine.top)).toBe(false);
      machine.eject();
    },
  );
});

function idOf(subvolume: string): string {
  return sh(["btrfs", "inspect-internal", "rootid", subvolume]).trim();
}
