/** Pruning by hand on real btrfs, beside all that a careless one would delete. */
import { describe, expect, test } from "bun:test";
import { mkdirSync, renameSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { plan as planSchema } from "../../tools/plan-schema.ts";
import { blankroot, MAIN } from "../support/blankroot.ts";
import { mountAt, sh } from "../support/disk.ts";
import { type Keep, nameOfAge, OldRootsMachine } from "../support/old-roots.ts";
import { describePrivileged } from "../support/privileged.ts";
import type { Strike } from "../support/struck-libc.ts";
import { converse } from "../support/terminal.ts";

const STRUCK = join(import.meta.dir, "../support/struck-libc.ts");
/** BTRFS_IOC_SNAP_DESTROY_V2 */
const DESTROY = 0x5000943f;
const MONTH: Keep = { days: 30, at_least: 1 };
const NONE: Keep = { days: 0, at_least: 0 };
const AGES = [90, 60, 31, 20, 1];

/** Old roots, the oldest of which has subvolumes nested in it, and neighbours. */
function prepared(keep = MONTH): OldRootsMachine {
  const machine = new OldRootsMachine(AGES, keep);
  machine.plantNeighbours();
  machine.plantNested(machine.names[0]!);
  sh(["sync", "--file-system", machine.top]);
  return machine;
}

describePrivileged("old-roots prune", () => {
  test("deletes what is too old with all inside, and nothing beside it", () => {
    using machine = prepared();
    const before = machine.neighbours();
    const ran = machine.prune(`--apply=${machine.token}`);
    expect(ran).toMatchObject({ status: 0, stdout: "" });
    expect(machine.old()).toEqual(machine.names.slice(3));
    expect(machine.neighbours()).toBe(before);
    expect(ran.stderr).toMatch(/3 deleted, 2 kept: that frees [\d.]+ KiB \(by the references/);
    expect(sh(["btrfs", "subvolume", "list", machine.top])).not.toContain("two  words");
    // What is left to do is nothing.
    const again = machine.prune(`--apply=${machine.token}`);
    expect(again).toMatchObject({ status: 0, stdout: "" });
    expect(again.stderr).toContain("nothing to do: no old root on");
  });

  test("would be seen to delete /persist where it were careless", () => {
    using machine = prepared();
    const before = machine.neighbours();
    const listed = sh(["btrfs", "subvolume", "list", "-o", machine.in("old_roots")]);
    expect(listed).toMatch(/path persist$/m);
    for (const line of listed.trim().split("\n").reverse()) {
      const id = line.split(" ")[1]!;
      Bun.spawnSync(["btrfs", "subvolume", "delete", "--subvolid", id, machine.top]);
    }
    expect(machine.neighbours()).not.toBe(before);
  });

  test.each<[string, Keep, number]>([
    ["the newest, however old they are", { days: 1, at_least: 4 }, 1],
    ["as many as were promised, if that is all", { days: 0, at_least: 2 }, 3],
    ["more than there are", { days: 0, at_least: 9 }, 0],
    ["what is young enough", { days: 100, at_least: 0 }, 0],
    ["none where none is to be kept", NONE, 5],
  ])("keeps %s", (_, keep, gone) => {
    using machine = prepared(keep);
    const before = machine.neighbours();
    expect(machine.prune(`--apply=${machine.token}`).status).toBe(0);
    expect(machine.old()).toEqual(machine.names.slice(gone));
    expect(machine.neighbours()).toBe(before);
  });

  describe("deletes nothing", () => {
    test("by age until the clock is synchronised", () => {
      using machine = prepared();
      const words = ["--profile", machine.profile, `--apply=${machine.token}`];
      const ran = machine.inNamespace("mount -t tmpfs none /run", ["old-roots", "prune", ...words]);
      expect(ran).toMatchObject({ status: 3, stdout: "" });
      expect(ran.stderr).toContain("the clock isn't known to be right, expected it synchronised");
      expect(machine.old()).toEqual([...machine.names]);
    });

    test("by age while the clock is behind a root", () => {
      using machine = prepared();
      const future = nameOfAge(-2);
      machine.plant(`old_roots/${future}`);
      const ran = machine.prune(`--apply=${machine.token}`);
      expect(ran).toMatchObject({ status: 3, stdout: "" });
      expect(ran.stderr).toContain(`the clock is behind old_roots/${future}, which was set aside`);
      expect(machine.old()).toEqual([...machine.names, future]);
    });

    test.each<[string, string[], number, RegExp]>([
      ["without a token", [], 3, /nobody agreed to it, expected --apply=TOKEN/],
      ["with another disk's token", ["--apply=vda-1"], 3, /"vda-1" is not the token of this disk/],
      ["with --dry-run", ["--dry-run"], 0, /./],
    ])("%s", (_, words, status, message) => {
      using machine = prepared();
      const ran = machine.prune(...words);
      expect(ran.status).toBe(status);
      expect(ran.stderr).toMatch(message);
      expect(machine.old()).toEqual([...machine.names]);
    });

    test("by a profile that was merely found", () => {
      using machine = prepared(NONE);
      const ran = blankroot(["old-roots", "prune", `--apply=${machine.token}`], {
        cwd: machine.scratch.dir,
      });
      expect(ran.status).toBe(2);
      expect(machine.old()).toEqual([...machine.names]);
    });

    test.each<[string, (machine: OldRootsMachine) => void, RegExp]>([
      [
        "a symbolic link",
        (machine) => symlinkSync("old_roots.bak", machine.in("old_roots")),
        /old_roots is a symbolic link, expected a plain directory/,
      ],
      [
        "a file",
        (machine) => writeFileSync(machine.in("old_roots"), ""),
        /old_roots is no directory, expected a plain directory/,
      ],
      [
        "a subvolume",
        (machine) => machine.create("old_roots"),
        /old_roots is a subvolume, expected a plain directory/,
      ],
    ])("where old_roots is %s", (_, plant, message) => {
      using machine = prepared(NONE);
      renameSync(machine.in("old_roots"), machine.in("moved away"));
      plant(machine);
      const before = machine.neighbours();
      for (const command of ["list", "diff", "prune"]) {
        const ran = machine.roots(command);
        expect(ran).toMatchObject({ status: 3, stdout: "" });
        expect(ran.stderr).toMatch(message);
      }
      expect(machine.neighbours()).toBe(before);
    });
  });

  test("leaves alone what no rollback has set aside", () => {
    using machine = prepared(NONE);
    const [oldest] = machine.names;
    const strangers = [
      "kept by hand",
      `${oldest}_`,
      `${oldest}\n${oldest}`,
      "20250229T120000Z-no-such-day",
      "20250228T120000-no-zone",
      "20250228T120000Z-a-directory",
      "20250228T120000Z-a-link",
      "20250228T120000Z-a-link-to-a-subvolume",
      "20250228T120000Z-a-file",
    ].sort();
    for (const name of strangers.filter((each) => !/-a-/.test(each))) {
      machine.create(`old_roots/${name}`);
    }
    const dir = machine.in("old_roots");
    mkdirSync(`${dir}/20250228T120000Z-a-directory`);
    machine.create("old_roots/20250228T120000Z-a-directory/20250228T120000Z-inside");
    symlinkSync("../old_roots.bak", `${dir}/20250228T120000Z-a-link`);
    symlinkSync("../persist", `${dir}/20250228T120000Z-a-link-to-a-subvolume`);
    writeFileSync(`${dir}/20250228T120000Z-a-file`, "");
    const before = machine.neighbours();
    expect(machine.prune(`--apply=${machine.token}`).status).toBe(0);
    expect(machine.old()).toEqual(strangers);
    expect(machine.neighbours()).toBe(before);
    const { others } = JSON.parse(machine.roots("list", "--json").stdout);
    expect(others.map(({ path }: { path: string }) => path)).toEqual(strangers);
  });

  test("leaves a root alone that is mounted, deletes the others, and says so", () => {
    using machine = prepared();
    const [oldest] = machine.names;
    mountAt(machine.scratch, "in use", machine.device, `subvol=old_roots/${oldest}`);
    const ran = machine.prune(`--apply=${machine.token}`);
    expect(ran.status).toBe(4);
    expect(ran.stderr).toMatch(/Cannot prune everything, 1 old root had to stay:/);
    expect(ran.stderr).toMatch(/: it is mounted at \S+in use\n/);
    expect(machine.old()).toEqual([oldest!, ...machine.names.slice(3)]);
    // With nothing else to do it is a refusal.
    expect(machine.prune(`--apply=${machine.token}`)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining("it is mounted at"),
    });
  });

  test("prints a script that does the same, and refuses once a root was moved", () => {
    using machine = prepared();
    const before = machine.neighbours();
    const script = machine.prune("--dry-run").stdout;
    const plan = planSchema.parse(JSON.parse(machine.prune("--dry-run", "--json").stdout));
    expect(plan.steps.some(({ kind }) => kind === "delete-subvolume")).toBe(true);
    const [oldest, second] = machine.names;
    const rescued = machine.in("rescued");
    renameSync(machine.in("old_roots", second!), rescued);
    const run = () => Bun.spawnSync(["sh"], { stdin: Buffer.from(script), stderr: "pipe" });
    expect(run().exitCode).toBe(3);
    expect(machine.old()).toEqual([oldest!, ...machine.names.slice(2)]);
    renameSync(rescued, machine.in("old_roots", second!));
    const ran = run();
    expect([ran.exitCode, ran.stderr.toString()]).toEqual([0, ""]);
    expect(machine.old()).toEqual(machine.names.slice(3));
    expect(machine.neighbours()).toBe(before);
  });

  test("shows the plan on a terminal, and looks again once the token is typed", async () => {
    using machine = prepared(NONE);
    const words = ["old-roots", "prune", "--profile", machine.profile];
    const late = machine.in("old_roots", nameOfAge(5));
    const talk = {
      until: "Type the token",
      answer: `${machine.token}\n`,
      meanwhile: () => void sh(["btrfs", "subvolume", "create", late]),
    };
    const { status, screen } = await converse(words, talk);
    expect(screen).toContain(`Delete old_roots/${machine.names[0]}, 90 days old`);
    expect(screen).toContain("the old roots changed since the plan was made");
    expect(status).toBe(3);
    expect(machine.old()).toHaveLength(6);
    const again = await converse(words, { ...talk, meanwhile: () => {} });
    expect(again.status).toBe(0);
    expect(machine.old()).toEqual([]);
  });

  test("finishes at the next run when it was killed between any two steps", () => {
    using machine = prepared(NONE);
    const before = machine.neighbours();
    const mounts = machine.mounts();
    // By id: names have newlines, and one forges a line of another subvolume.
    const list = () => sh(["btrfs", "subvolume", "list", machine.top]);
    const count = () => new Set(list().match(/^ID \d+/gm)).size;
    let left = count();
    for (let run = 0; run < AGES.length + 2; run++) {
      const strike: Strike = { call: "ioctl", request: DESTROY, nth: 1, when: "after" };
      const child = Bun.spawnSync(
        [process.execPath, "--preload", STRUCK, MAIN, ...pruneWords(machine)],
        { env: { ...process.env, STRIKE: JSON.stringify(strike) }, stdout: "pipe", stderr: "pipe" },
      );
      expect([run, child.signalCode]).toEqual([run, "SIGKILL"]);
      expect(count()).toBe(--left);
      expect(machine.neighbours()).toBe(before);
      expect(machine.mounts()).toEqual(mounts);
    }
    expect(machine.old()).toHaveLength(1);
    expect(blankroot(pruneWords(machine)).status).toBe(0);
    expect(machine.old()).toEqual([]);
    expect(machine.neighbours()).toBe(before);
  });

  test("says that a disk is nearly full, and what pruning frees of it", () => {
    using machine = prepared(NONE);
    const file = machine.in("old_roots", machine.names[0]!, "large");
    writeFileSync(file, "");
    sh(["fallocate", "--length", "100M", file]);
    Bun.spawnSync([
      "sh",
      "-c",
      'head -c 300M /dev/urandom >"$1"; sync -f "$1"',
      "sh",
      machine.in("home/fill"),
    ]);
    for (const ran of [machine.roots("list"), machine.prune("--dry-run")]) {
      expect(ran.status).toBe(0);
      expect(ran.stderr).toMatch(/is nearly full, .* left of 256 MiB: old-roots prune frees 100/);
    }
    expect(JSON.parse(machine.roots("list", "--json").stdout).nearly_full).toBe(true);
  });
});

function pruneWords(machine: OldRootsMachine): string[] {
  return ["old-roots", "prune", "--profile", machine.profile, `--apply=${machine.token}`];
}
