import { describe, expect, test } from "bun:test";
import type { Clock } from "../../lib/clock.ts";
import { programsOf } from "../../lib/plan.ts";
import { toShell } from "../../lib/plan-shell.ts";
import { dueRoots, type PrunableRoot, type PruneFacts, planPrune } from "../../lib/plans/prune.ts";
import type { Profile } from "../../lib/profile.ts";
import { exampleProfile } from "../support/example.ts";
import { idleDisk } from "../support/facts.ts";

const BOOT = "7f0b5a3e-6f5f-4f0e-9a0a-0d3a1b2c3d4e";
const NOW = new Date("2026-03-31T12:00:00Z");
const RIGHT: Clock = { now: NOW, isSynchronised: true };
/** 90, 60, 31, 30 and 1 days old. */
const [DAYS_90, DAYS_60, DAYS_31, DAYS_30, DAYS_1] = [
  "20251231",
  "20260130",
  "20260228",
  "20260301",
  "20260330",
].map((day) => `${day}T120000Z-${BOOT}`) as [string, string, string, string, string];
const OLD = [DAYS_90, DAYS_60, DAYS_31, DAYS_30, DAYS_1];

const rootOf = (name: string, changes: Partial<PrunableRoot> = {}): PrunableRoot => {
  const [, year, month, day] = /^(....)(..)(..)/.exec(name)!;
  const tree = 300 + OLD.indexOf(name);
  const subvolumes = [{ tree, place: placeOf(tree, `old_roots/${name}`) }];
  const time = new Date(`${year}-${month}-${day}T12:00:00Z`);
  return { name, time, subvolumes, obstacle: undefined, ...changes };
};

const placeOf = (tree: number, expected: string) => ({
  what: `the place of subvolume ${tree}`,
  argv: ["btrfs", "inspect-internal", "subvolid-resolve", String(tree), { top: "" }],
  expected,
});

const factsOf = (...roots: PrunableRoot[]): PruneFacts => ({
  disk: idleDisk,
  top: { node: "/dev/vda3", uuid: "5f0c", guards: [] },
  directory: 257n,
  roots,
});

const keeping = (days: number, at_least: number): Profile =>
  exampleProfile({ rollback: { keep: { days, at_least } } });

const all = factsOf(...OLD.map((name) => rootOf(name)).reverse());

const namesOf = (roots: readonly PrunableRoot[]) => roots.map(({ name }) => name);

describe("dueRoots()", () => {
  test.each<[what: string, keep: [number, number], due: string[]]>([
    ["are those too old, the oldest first", [30, 1], [DAYS_90, DAYS_60, DAYS_31]],
    ["never are the newest few", [30, 4], [DAYS_90]],
    ["may be counted alone", [0, 2], [DAYS_90, DAYS_60, DAYS_31]],
    ["are all where none is kept", [0, 0], OLD],
    ["are none where all are young enough", [90, 0], []],
  ])("%s", (_, keep, due) => {
    expect(namesOf(dueRoots(keeping(...keep), all, RIGHT).roots)).toEqual(due);
  });

  test.each<[what: string, clock: Clock, message: RegExp]>([
    [
      "a clock that nobody set",
      { now: NOW, isSynchronised: false },
      /by their age: the clock isn't known to be right, expected it synchronised$/,
    ],
    [
      "a clock that is behind the newest root",
      { now: new Date("2026-03-30T11:59:59Z"), isSynchronised: true },
      /the clock is behind old_roots\/20260330T120000Z-/,
    ],
  ])("refuses to go by %s", (_, clock, message) => {
    expect(() => dueRoots(keeping(30, 1), all, clock)).toThrow(message);
    expect(dueRoots(keeping(0, 0), all, clock).roots).toHaveLength(5);
    expect(dueRoots(keeping(0, 4), all, clock).roots).toHaveLength(1);
    expect(dueRoots(keeping(30, 5), all, clock).roots).toEqual([]);
  });

  test("keep what can't be deleted apart, and count it among the newest", () => {
    const stuck = rootOf(DAYS_60, { obstacle: "it is mounted at /x" });
    const facts = factsOf(rootOf(DAYS_30), stuck, rootOf(DAYS_90));
    const due = dueRoots(keeping(0, 1), facts, RIGHT);
    expect([namesOf(due.roots), namesOf(due.stuck)]).toEqual([[DAYS_90], [DAYS_60]]);
  });
});

describe("planPrune()", () => {
  const nested = rootOf(DAYS_90, {
    subvolumes: [
      { tree: 300, place: placeOf(300, `old_roots/${DAYS_90}`) },
      { tree: 400, place: placeOf(400, `old_roots/${DAYS_90}/a`) },
      { tree: 401, place: placeOf(401, `old_roots/${DAYS_90}/a/x\ny`) },
    ],
  });
  const planOf = (...roots: PrunableRoot[]) => {
    const profile = keeping(0, 0);
    const facts = factsOf(...roots);
    const due = dueRoots(profile, facts, RIGHT);
    return planPrune(profile, "p", facts, { due, freed: "frees 1 GiB", now: NOW });
  };

  test("deletes by id, the innermost first, each behind a look at where it is", () => {
    const { steps } = planOf(nested);
    const told = steps.map((step) =>
      step.kind === "delete-subvolume"
        ? `delete ${step.id}`
        : step.kind === "check"
          ? `see ${step.check.argv[3]}`
          : step.kind,
    );
    expect(told).toEqual([
      "see 401",
      "delete 401",
      "see 400",
      "delete 400",
      "see 300",
      "delete 300",
      "command",
    ]);
  });

  test("looks at the disk, the directory and each root before the first step", () => {
    const { checks } = planOf(nested, rootOf(DAYS_60));
    expect(checks.map(({ what }) => what)).toEqual([
      "the size of /dev/vda in bytes",
      "the UUID of the file system on /dev/vda3",
      "the lock on /dev/vda3, which a rollback may have",
      "the type and inode of old_roots",
      "the place of subvolume 300",
      "the place of subvolume 301",
    ]);
  });

  test("prints names on one line of a comment", () => {
    const script = toShell(planOf(nested));
    expect(script).toContain(`# Delete old_roots/${DAYS_90}/a/x\\ny, nested in old_roots/`);
    expect(script).toContain('\nbtrfs subvolume delete --subvolid 401 "$top"\n');
    expect(programsOf(planOf(nested))).toContain("btrfs");
  });

  test("has nothing to do where nothing is due, and says what has to stay", () => {
    const plan = planOf(rootOf(DAYS_90, { obstacle: "it is mounted at /x" }));
    expect(plan.steps).toEqual([]);
    expect(plan.summary).toMatch(/^nothing to do: /);
    expect(plan.notes).toEqual([`old_roots/${DAYS_90} stays, though due: it is mounted at /x`]);
  });
});
