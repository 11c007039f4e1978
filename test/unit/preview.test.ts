import { describe, expect, test } from "bun:test";
import { deletedPaths, type PreviewFacts, planPreview } from "../../lib/plans/preview.ts";
import type { StepKind } from "../../lib/plans/preview-steps.ts";
import type { WarningKind } from "../../lib/plans/preview-warnings.ts";
import { renderPreview, verdictOf } from "../../lib/report/preview.ts";
import { previewJson } from "../../lib/report/preview-json.ts";
import { Tally } from "../../lib/tally.ts";
import { preview as schema } from "../../tools/preview-schema.ts";
import { type ChangeOptions, madeUpChange } from "../support/change.ts";
import { exampleProfile } from "../support/example.ts";

const GIB = 1024 ** 3;
const IN_ORDER: PreviewFacts = {
  device: "/dev/vda3",
  keptNow: false,
  keptNext: false,
  blank: { readOnly: true, empty: true },
  isUnused: false,
  hasNext: false,
  strangeNext: false,
  hasOldRoots: true,
  strangeOldRoots: false,
  oldRoots: [],
  hasPersistRoot: true,
  withoutCopy: [],
  withoutPassword: [],
  sizeBytes: 100 * GIB,
  freeBytes: 50 * GIB,
  now: new Date("2026-11-23T12:00:00Z"),
};

describe("verdictOf()", () => {
  test.each<[what: string, lost: string[], facts: Partial<PreviewFacts>, verdict: string]>([
    ["nothing", [], {}, "The next boot loses nothing"],
    ["a file", ["/a"], {}, "The next boot loses 1 file, 1 KiB: /a"],
    ["three files", ["/a", "/b", "/c"], {}, "The next boot loses 3 files, 3 KiB: /a, /b, /c"],
    [
      "more than fit into a sentence",
      ["/a", "/b/c", "/b/d", "/b/e"],
      {},
      "The next boot loses 4 files, 4 KiB, most of it in /b",
    ],
    ["a hostile name", ["/\x1b[2J"], {}, "The next boot loses 1 file, 1 KiB: /\\x1b[2J"],
    [
      "no blank snapshot",
      ["/a"],
      { blank: undefined },
      "The next boot can't roll back and starts from the root as it is; a rollback would lose 1 file, 1 KiB: /a",
    ],
    [
      "a parameter that keeps the root",
      ["/a"],
      { keptNext: true },
      "The next boot keeps the root, as the kernel's command line asks; a rollback would lose 1 file, 1 KiB: /a",
    ],
  ])("of %s", (_, lost, facts, verdict) => {
    expect(verdictOf(previewOf(lost, facts))).toBe(verdict);
  });

  test("says that the boot stops where the profile has it so", () => {
    const profile = exampleProfile({ rollback: { on_failure: "stop" } });
    const preview = planPreview(
      profile,
      { ...IN_ORDER, blank: undefined },
      new Tally(IN_ORDER.now),
    );
    expect(verdictOf(preview)).toContain("can't roll back and stops in emergency mode");
  });
});

describe("planPreview() warns of", () => {
  test.each<[what: string, facts: Partial<PreviewFacts>, warnings: WarningKind[]]>([
    ["nothing where all is in order", {}, []],
    ["a root that was kept", { keptNow: true }, ["kept-now"]],
    ["one that will be, now and then", { keptNow: true, keptNext: true }, ["kept-next"]],
    ["a missing blank one", { blank: undefined }, ["blank-missing"]],
    ["a writable blank one", { blank: { readOnly: false, empty: true } }, ["blank-writable"]],
    ["a blank one that isn't", { blank: { readOnly: true, empty: false } }, ["blank-not-empty"]],
    ["listed paths without a copy", { withoutCopy: ["/etc/a", "/etc/b"] }, ["no-copy", "no-copy"]],
    [
      "a missing persist root, and not of each path in it",
      { hasPersistRoot: false, withoutCopy: ["/etc/a"] },
      ["persist-missing"],
    ],
    [
      "a missing password file",
      { withoutPassword: [{ user: "u", file: "/persist/u" }] },
      ["password-missing"],
    ],
    ["a disk nearly full", { freeBytes: 4 * GIB }, ["disk-nearly-full"]],
    [
      "a large disk nearly full",
      { sizeBytes: 10_000 * GIB, freeBytes: 9 * GIB },
      ["disk-nearly-full"],
    ],
    ["no disk with room enough", { sizeBytes: 10_000 * GIB, freeBytes: 11 * GIB }, []],
  ])("%s", (_, facts, warnings) => {
    expect(previewOf([], facts).warnings.map(({ kind }) => kind)).toEqual(warnings);
  });
});

describe("planPreview() tells the steps", () => {
  const keepsNone = { rollback: { keep: { days: 0, at_least: 0 }, on_failure: "boot" } } as const;
  const boot = ["boot", "machine-id", "persist"] as const;
  const swap = ["snapshot", "set-aside", "put-in-place"] as const;

  test.each<[what: string, facts: Partial<PreviewFacts>, kinds: readonly StepKind[]]>([
    ["of a swap", {}, ["mount-top", ...swap, "unmount-top", ...boot]],
    [
      "of the first one, beside what an interrupted one left",
      { hasNext: true, hasOldRoots: false },
      [
        "mount-top",
        "delete-next",
        "snapshot",
        "make-old-roots",
        "set-aside",
        "put-in-place",
        "unmount-top",
        ...boot,
      ],
    ],
    [
      "of one that is not needed",
      { isUnused: true },
      ["mount-top", "keep", "unmount-top", ...boot],
    ],
    [
      "of one that is refused",
      { blank: undefined },
      ["mount-top", "refuse", "unmount-top", ...boot],
    ],
    ["of one that was not asked for", { keptNext: true }, ["keep", ...boot]],
  ])("%s", (_, facts, kinds) => {
    expect(previewOf([], facts).steps.map(({ kind }) => kind)).toEqual([...kinds]);
  });

  test.each<[facts: Partial<PreviewFacts>, because: string]>([
    [{ blank: undefined, strangeOldRoots: true }, "there is no root-blank"],
    [{ blank: { readOnly: false, empty: true } }, "root-blank is not read-only"],
    [{ strangeOldRoots: true, strangeNext: true }, "old_roots is no directory"],
    [{ strangeNext: true, hasNext: true }, "root.blankroot-next is no snapshot of root-blank"],
  ])("with what the rollback refuses first: %j", (facts, because) => {
    const refused = previewOf([], facts).steps.find(({ kind }) => kind === "refuse");
    expect(refused!.text).toBe(`nothing is changed, for ${because}`);
  });

  test("where none are kept, with the names of old roots", () => {
    const facts = { ...IN_ORDER, oldRoots: [OLD, "mine"] };
    const preview = planPreview(exampleProfile(keepsNone), facts, new Tally(IN_ORDER.now));
    const { kind, names } = preview.steps.find((step) => step.kind === "delete-old-roots")!;
    expect([kind, names]).toEqual(["delete-old-roots", [`old_roots/${OLD}`]]);
    expect(renderPreview(preview).join("\n")).toContain("then deleted: old roots are not kept");
    expect(deletedPaths(exampleProfile(keepsNone), preview)).toEqual(["root", `old_roots/${OLD}`]);
  });

  test("where the boot stops, and goes no further", () => {
    const profile = exampleProfile({ rollback: { on_failure: "stop" } });
    const facts = { ...IN_ORDER, blank: undefined };
    const { steps } = planPreview(profile, facts, new Tally(IN_ORDER.now));
    expect(steps.at(-1)!.kind).toBe("stop");
    expect(steps.some(({ kind }) => kind === "boot")).toBe(false);
  });
});

describe("renderPreview()", () => {
  test("puts the verdict first, then the warnings, then what is lost", () => {
    const lines = renderPreview(
      previewOf(["/b/a", "/b/b"], { withoutCopy: ["/etc/a"], oldRoots: [OLD] }),
    );
    expect(lines).toMatchSnapshot();
  });

  test.each<["qgroups" | "backrefs", string]>([
    ["qgroups", "2 KiB by quota groups"],
    ["backrefs", "2 KiB by the references to each extent"],
  ])("says what pruning frees, and how that is known: %s", (method, text) => {
    const preview = previewOf([], { oldRoots: [OLD] });
    const lines = renderPreview({ ...preview, freed: { bytes: 2048, method } });
    expect(lines.join("\n")).toContain(`for the daily pruning to delete, which frees ${text}:`);
  });

  test("warns of a time to come", () => {
    const facts = { now: new Date("2020-01-01T00:00:00Z") };
    const { warnings } = previewOf(["/a", "/b"], facts);
    expect(warnings.map(({ kind }) => kind)).toEqual(["clock"]);
    expect(warnings[0]!.text).toContain("2 lost files were changed at a time to come");
  });

  test("says how many losses it doesn't name", () => {
    const lost = Array.from({ length: 50 }, (_, i) => `/x${i}`);
    expect(renderPreview(previewOf(lost)).at(-1)).toMatch(/^ {2}and \d+ more: fs-diff lists/);
  });

  test("says nothing of a swap that can't be done", () => {
    const text = renderPreview(previewOf([], { blank: undefined })).join("\n");
    expect(text).not.toContain("set aside");
  });
});

test("previewJson() is as its schema says", () => {
  const losses = ["/etc/a", Buffer.from("/var/lib/\xff/x", "latin1")];
  for (const facts of [{}, { blank: undefined, freeBytes: 0 }, { oldRoots: [OLD] }]) {
    const json = JSON.parse(previewJson(previewOf(losses, facts)));
    expect(schema.safeParse(json).error).toBeUndefined();
    expect(schema.safeParse({ ...json, more: 1 }).success).toBe(false);
  }
});

test("previewJson() gives names that are not UTF-8 in base64", () => {
  const preview = previewOf([Buffer.from("/\xff", "latin1")]);
  expect(JSON.parse(previewJson(preview)).lost_first).toEqual([
    { path: "/\ufffd", path_bytes: "L/8=" },
  ]);
});

const CTIME = { seconds: IN_ORDER.now.getTime() / 1000 - 60, nanoseconds: 0 };
const OLD = "20200101T000000Z-7f0b5a3e-6f5f-4f0e-9a0a-0d3a1b2c3d4e";

function previewOf(lost: readonly ChangeOptions["path"][], facts: Partial<PreviewFacts> = {}) {
  const profile = exampleProfile({
    rollback: { keep: { days: 30, at_least: 1 }, on_failure: "boot" },
  });
  const tally = new Tally(facts.now ?? IN_ORDER.now);
  for (const path of lost) {
    const change = madeUpChange({ path, sizeBytes: 1024, ctime: CTIME });
    tally.add(change, () => ({ fate: "lost", reason: "not listed" }));
  }
  return planPreview(profile, { ...IN_ORDER, ...facts }, tally);
}
