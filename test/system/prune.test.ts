/** The pruning of old roots on real btrfs, beside all that a careless one would delete. */
import { describe, expect, test } from "bun:test";
import {
  existsSync,
  mkdirSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { PRUNE_PROGRAMS } from "../../lib/boot/prune.ts";
import { mountAt, Scratch, sh } from "../support/disk.ts";
import { describePrivileged } from "../support/privileged.ts";
import { type Pruning, prune } from "../support/prune.ts";
import { create, Machine, NAMES } from "../support/rollback.ts";
import { SHELLS, type ShellName, type Strike } from "../support/rollback-programs.ts";
import { digestTree } from "../support/tree-digest.ts";

const NOW = new Date("2026-03-31T12:00:00Z");
const BOOT = "00000000-0000-4000-8000-000000000001";
/** One each: 90, 60, 31, 30 and 1 days old. */
const OLD = ["20251231", "20260130", "20260228", "20260301", "20260330"].map(
  (day) => `${day}T120000Z-${BOOT}`,
);
const [DAYS_90, DAYS_60, DAYS_31, DAYS_30, DAYS_1] = OLD as [string, ...string[]] & string[];
const MONTH = { days: 30, at_least: 1 };
const NONE = { days: 0, at_least: 0 };

/** Neighbours of the old roots, such that a deletion by listing or by path would reach. */
function plantNeighbours(top: string): void {
  create(`${top}/persist/nested`);
  create(`${top}/persist/nested/deeper`);
  create(`${top}/root/old_roots`);
  create(`${top}/root/old_roots/${DAYS_90}`);
  create(`${top}/home/20200101T000000Z-of-a-user`);
  create(`${top}/20200101T000000Z-at-the-top`);
  create(`${top}/old_roots.bak`);
  create(`${top}/old_roots.bak/${DAYS_90}`);
}

function plantOldRoots(top: string): void {
  const dir = `${top}/old_roots`;
  mkdirSync(dir);
  for (const name of OLD) create(`${dir}/${name}`);
  plantNested(top, `${dir}/${DAYS_90}`);
}

/** Two levels below an old root, with names that a listing can't hold, and one that forges one. */
function plantNested(top: string, old: string): void {
  mkdirSync(`${old}/var/lib`, { recursive: true });
  writeFileSync(`${old}/var/lib/file`, "old\n");
  create(`${old}/var/lib/two  words`);
  create(`${old}/var/lib/two  words/*\n\t-r`);
  const [id, home] = [old, `${top}/home`].map(idOf);
  create(`${old}/x\nID ${home} gen 1 top level ${id} path home`);
  symlinkSync("../../home", `${old}/link`);
}

/** A machine with neighbours, and old roots unless told otherwise. */
function prepared(scratch: Scratch, populate = plantOldRoots): Machine {
  const machine = new Machine(scratch, NAMES, (top) => {
    plantNeighbours(top);
    populate(top);
  });
  machine.insert();
  return machine;
}

/** What is there beside the old roots, and which old roots. */
function look(machine: Machine): { neighbours: string; old: string[] } {
  return machine.onDisk((top) => {
    const others = readdirSync(top).filter((name) => name !== "old_roots");
    const neighbours = others.sort().map((name) => `${name} ${digestTree(`${top}/${name}`)}`);
    const dir = `${top}/old_roots`;
    return {
      neighbours: neighbours.join("\n"),
      old: isDirectory(dir) ? readdirSync(dir).sort() : [],
    };
  });
}

/** Prunes, and holds that nothing happened beside the old roots. */
function pruned(machine: Machine, pruning: Partial<Pruning>) {
  const before = look(machine).neighbours;
  const ended = prune(machine, { shell: "ash", keep: MONTH, now: NOW, ...pruning });
  expect(existsSync(machine.top)).toBe(false);
  const { neighbours, old } = look(machine);
  expect(neighbours).toBe(before);
  return { ...ended, old };
}

describePrivileged("prune.sh", () => {
  test.each(Object.keys(SHELLS) as ShellName[])(
    "deletes what is too old with all inside, and nothing beside it, under %s",
    (shell) => {
      using scratch = new Scratch();
      const machine = prepared(scratch);
      const { status, stderr, old } = pruned(machine, { shell });
      expect({ status, old }).toEqual({ status: 0, old: [DAYS_30!, DAYS_1!] });
      expect(stderr).toBe(
        `${[DAYS_90, DAYS_60, DAYS_31].map((name) => `prune: deleted old_roots/${name}\n`).join("")}prune: 3 deleted, 2 kept\n`,
      );
      const left = machine.onDisk((top) => sh(["btrfs", "subvolume", "list", top]));
      expect(left).not.toContain("two  words");
      machine.eject();
    },
  );

  test.each<[string, Partial<Pruning>, string[]]>([
    ["the newest, however old they are", { keep: { days: 1, at_least: 4 } }, OLD.slice(1)],
    ["as many as were promised, if that is all", { keep: { days: 0, at_least: 2 } }, OLD.slice(3)],
    ["more than there are", { keep: { days: 0, at_least: 9 } }, OLD],
    ["what is young enough", { keep: { days: 100, at_least: 0 } }, OLD],
    ["none where none is to be kept", { keep: NONE }, []],
    [
      "none then whatever the clock says",
      { keep: NONE, now: new Date(0), synchronised: false },
      [],
    ],
    [
      "a number of them whether or not the clock is synchronised",
      { keep: { days: 0, at_least: 2 }, synchronised: false },
      OLD.slice(3),
    ],
    [
      "what its clock takes for the future",
      { keep: { days: 0, at_least: 1 }, now: new Date("2026-03-15"), synchronised: false },
      OLD.slice(4),
    ],
  ])("keeps %s", (_, pruning, kept) => {
    using scratch = new Scratch();
    const machine = prepared(scratch);
    const { status, old } = pruned(machine, pruning);
    expect({ status, old }).toEqual({ status: 0, old: kept });
    machine.eject();
  });

  describe("deletes nothing by age", () => {
    test.each<[string, Partial<Pruning>, number, RegExp]>([
      ["until the clock is synchronised", { synchronised: false }, 0, /until it is synchronised\n/],
      [
        "while timedatectl says that it isn't",
        { synchronised: false, ahead: "timedatectl() { echo no; }\n" },
        0,
        /until it is synchronised\n/,
      ],
      [
        "while the clock is behind the newest",
        { now: new Date("2026-03-30T11:59:59Z") },
        1,
        /the clock is behind old_roots\/20260330T120000Z-.*: nothing was deleted\n/,
      ],
      ["with a clock in the past", { now: new Date(0) }, 1, /the clock is behind/],
      ["where date fails", { ahead: "date() { return 1; }\n", now: undefined }, 1, /date fails/],
      [
        "where date says what is no time",
        { ahead: "date() { echo 17e9; }\n", now: undefined },
        1,
        /the time is '17e9'/,
      ],
    ])("%s", (_, pruning, status, message) => {
      using scratch = new Scratch();
      const machine = prepared(scratch);
      const { stderr, ...ended } = pruned(machine, pruning);
      expect(ended).toMatchObject({ status, old: OLD });
      expect(stderr).toMatch(message);
      machine.eject();
    });
  });

  test("believes timedatectl that the clock is synchronised", () => {
    using scratch = new Scratch();
    const machine = prepared(scratch);
    const ahead =
      'timedatectl() { [ "$*" = "show --property=NTPSynchronized --value" ] && echo yes; }\n';
    for (const shell of Object.keys(SHELLS) as ShellName[]) {
      machine.insert();
      const { status, old } = pruned(machine, { shell, synchronised: false, ahead });
      expect({ shell, status, old }).toEqual({ shell, status: 0, old: OLD.slice(3) });
    }
    machine.eject();
  });

  test.each<[string, (top: string) => void, number, RegExp]>([
    ["there is no such directory", () => {}, 0, /^prune: 0 deleted, 0 kept\n$/],
    ["it is empty", (top) => mkdirSync(`${top}/old_roots`), 0, /^prune: 0 deleted, 0 kept\n$/],
    [
      "it is a symbolic link",
      (top) => symlinkSync("old_roots.bak", `${top}/old_roots`),
      1,
      /^prune: old_roots is no directory: nothing was changed\n$/,
    ],
    [
      "it is a file",
      (top) => writeFileSync(`${top}/old_roots`, ""),
      1,
      /^prune: old_roots is no directory: nothing was changed\n$/,
    ],
    [
      "it is a subvolume",
      (top) => {
        create(`${top}/old_roots`);
        create(`${top}/old_roots/${DAYS_90}`);
      },
      1,
      /^prune: old_roots is a subvolume, expected a plain directory: nothing was changed\n$/,
    ],
  ])("deletes nothing where %s", (_, plant, status, said) => {
    using scratch = new Scratch();
    const machine = prepared(scratch, plant);
    const list = () => machine.onDisk((top) => sh(["btrfs", "subvolume", "list", top]));
    const before = list().replace(/gen \d+/g, "");
    const { stderr, ...ended } = pruned(machine, { keep: NONE });
    expect(ended.status).toBe(status);
    expect(stderr).toMatch(said);
    expect(list().replace(/gen \d+/g, "")).toBe(before);
    machine.eject();
  });

  test("leaves alone what no rollback has set aside", () => {
    using scratch = new Scratch();
    const others = [
      "kept by hand",
      `${DAYS_90}_`,
      `${DAYS_90}\n${DAYS_60}`,
      "20250229T120000Z-no-such-day",
      "20250228T120000-no-zone",
      "20250228T120000Z-a-directory",
      "20250228T120000Z-a-link",
      "20250228T120000Z-a-file",
    ].sort();
    const machine = prepared(scratch, (top) => {
      plantOldRoots(top);
      const dir = `${top}/old_roots`;
      for (const name of others.filter((each) => !/-(directory|link|file)$/.test(each))) {
        create(`${dir}/${name}`);
      }
      mkdirSync(`${dir}/20250228T120000Z-a-directory`);
      create(`${dir}/20250228T120000Z-a-directory/20250228T120000Z-inside`);
      symlinkSync("../old_roots.bak", `${dir}/20250228T120000Z-a-link`);
      writeFileSync(`${dir}/20250228T120000Z-a-file`, "");
    });
    const { status, stderr, old } = pruned(machine, { keep: NONE });
    expect({ status, old }).toEqual({ status: 0, old: others });
    expect(stderr).toContain("left alone: old_roots/20250229T120000Z-no-such-day has no time in");
    for (const kind of ["directory", "link", "file"]) {
      expect(stderr).toContain(`left alone: old_roots/20250228T120000Z-a-${kind} is no old root: `);
    }
    machine.eject();
  });

  test("takes a directory's name with spaces and what a shell would read", () => {
    using scratch = new Scratch();
    const oldRoots = "-old  `roots` $(x) * é";
    const machine = new Machine(scratch, { ...NAMES, oldRoots }, (top) => {
      mkdirSync(`${top}/${oldRoots}`);
      create(`${top}/${oldRoots}/${DAYS_90}`);
    });
    for (const shell of Object.keys(SHELLS) as ShellName[]) {
      machine.insert();
      const { status, stderr } = prune(machine, { shell, keep: NONE, now: NOW });
      expect({ status, stderr }).toMatchObject({ status: 0 });
      expect(machine.onDisk((top) => readdirSync(`${top}/${oldRoots}`))).toEqual([]);
    }
    machine.eject();
  });

  test.each(Object.keys(SHELLS) as ShellName[])(
    "says that the disk is nearly full, under %s",
    (shell) => {
      using scratch = new Scratch();
      const machine = prepared(scratch, (top) => {
        plantOldRoots(top);
        // As much as fits.
        const fill = 'head -c 200M /dev/urandom >"$1/home/fill"; sync -f "$1"';
        Bun.spawnSync(["sh", "-c", fill, "sh", top], { stderr: "ignore" });
      });
      const full = /^prune: \S+ is nearly full, \d MiB left of 128: deleted roots give back/m;
      expect(pruned(machine, { shell })).toMatchObject({
        status: 0,
        stderr: expect.stringMatching(full),
        old: OLD.slice(3),
      });
      machine.onDisk((top) => rmSync(`${top}/home/fill`));
      expect(pruned(machine, { shell }).stderr).not.toMatch(full);
      machine.eject();
    },
  );

  test.each<[string, (machine: Machine, top: string) => void, RegExp]>([
    [
      "btrfs won't delete",
      (_, top) => sh(["btrfs", "subvolume", "set-default", `${top}/old_roots/${DAYS_90}`]),
      /failed: can't delete subvolume \d+ of old_roots\/20251231T120000Z-\S+: /,
    ],
    [
      "is mounted",
      ({ scratch, device }) => mountAt(scratch, "in use", device, `subvol=old_roots/${DAYS_90}`),
      /failed: old_roots\/20251231T120000Z-\S+ is mounted at \S+in\\040use and stays\n/,
    ],
  ])("goes on after a root that %s, and names it", (_, plant, said) => {
    using scratch = new Scratch();
    const machine = prepared(scratch);
    machine.onDisk((top) => plant(machine, top));
    const { status, stderr, old } = pruned(machine, { shell: "dash" });
    expect({ status, old }).toEqual({ status: 1, old: [DAYS_90!, DAYS_30!, DAYS_1!] });
    expect(stderr).toMatch(said);
    expect(stderr).toContain("prune: 2 deleted, 3 kept\n");
    if (existsSync(scratch.path("in use"))) sh(["umount", scratch.path("in use")]);
    machine.eject();
  });

  test.each(Object.keys(SHELLS) as ShellName[])(
    "leaves alone a root that another mount namespace has mounted, under %s",
    async (shell) => {
      using scratch = new Scratch();
      const machine = prepared(scratch);
      machine.onDisk(() => {});
      const mount = 'mount -t btrfs -o "subvol=$2" "$1" "$3"; echo there; read -r line';
      const words = ["sh", "-euc", mount, "sh", machine.device, `old_roots/${DAYS_90}`];
      await using other = Bun.spawn(
        ["unshare", "--mount", "--propagation", "private", ...words, scratch.mkdir("elsewhere")],
        { stdin: "pipe", stdout: "pipe" },
      );
      await other.stdout.getReader().read();
      const { status, stderr, old } = pruned(machine, { shell });
      expect({ status, old }).toEqual({ status: 1, old: [DAYS_90!, DAYS_30!, DAYS_1!] });
      expect(stderr).toMatch(/ is mounted at \S+elsewhere and stays\n/);
      other.kill();
      await other.exited;
      machine.eject();
    },
  );

  test.each<[ShellName, Strike]>([
    ["bash", "kill-after"],
    ["ash", "kill-committed"],
    ["bash -u", "interrupt"],
    ["ash", "fail"],
  ])("finishes at the next run when it was struck at any call: %s, %s", (shell, strike) => {
    using scratch = new Scratch();
    const machine = prepared(scratch);
    const before = look(machine).neighbours;
    const kept = OLD.slice(3);
    let at = 1;
    let struck = 0;
    for (; at < 100; at++) {
      machine.insert();
      const { calls, status } = prune(machine, { shell, keep: MONTH, now: NOW, at, strike });
      if (calls.length < at) break;
      const what = `${at} (${calls[at - 1]})`;
      if (strike === "kill-committed") machine.losePower();
      // A call may fail without harm: one that looks at what a name forges.
      if (status === 0) expect({ what, old: look(machine).old }).toEqual({ what, old: kept });
      else struck++;
      const again = prune(machine, { shell, keep: MONTH, now: NOW });
      const after = { status: again.status, stderr: again.stderr, ...look(machine) };
      expect({ what, ...after }).toMatchObject({
        what,
        status: 0,
        old: kept,
        neighbours: before,
      });
      expect(existsSync(machine.top)).toBe(false);
    }
    expect(struck).toBeGreaterThan(20);
    machine.eject();
  });

  test("runs no program but its own, and is a guest in another script", () => {
    using scratch = new Scratch();
    const machine = prepared(scratch);
    for (const shell of Object.keys(SHELLS) as ShellName[]) {
      machine.insert();
      const ahead = "trap 'echo host-trap' EXIT; top=mine; die() { echo host-die; }; set -f\n";
      const { calls, stderr, status } = prune(machine, { shell, keep: MONTH, ahead });
      expect({ shell, status, stderr }).toMatchObject({ status: 0 });
      expect(stderr).not.toContain("not found");
      expect(stderr).toEndWith("host-trap\n");
      const programs = new Set(calls.map((call) => call.split(" ")[0]!));
      expect([...programs].sort()).toEqual([...PRUNE_PROGRAMS].sort());
    }
    machine.eject();
  });

  test("is tested by a look at the neighbours that catches a careless deletion", () => {
    using scratch = new Scratch();
    const machine = prepared(scratch);
    const { device, top } = machine;
    const script = `set +e; mkdir -p "${top}"; mount -o subvolid=5 ${device} "${top}"
btrfs subvolume list -o "${top}/old_roots" | while read -r _ id _; do
  btrfs subvolume delete --subvolid "$id" "${top}"
done
umount "${top}"; rmdir "${top}"`;
    const before = look(machine);
    machine.run({ shell: "bash", script });
    const after = look(machine);
    expect(after.old).toHaveLength(1);
    expect(after.neighbours).not.toBe(before.neighbours);
    machine.eject();
  });
});

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() ?? false;
}

function idOf(subvolume: string): string {
  return sh(["btrfs", "inspect-internal", "rootid", subvolume]).trim();
}
