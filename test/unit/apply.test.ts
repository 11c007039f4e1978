/**
 * A plan applied: what is kept of a program's output, and what is said where it
 * can't be kept.
 */
import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { Failure, Refusal } from "../../lib/fault.ts";
import { applyPlan } from "../../lib/host/apply.ts";
import type { Check, Plan, Step } from "../../lib/plan.ts";

const folder = mkdtempSync(join(tmpdir(), "blankroot-apply-"));
afterAll(() => rmSync(folder, { recursive: true }));

async function apply(steps: Step[], checks: Check[] = []): Promise<unknown> {
  const plan: Plan = {
    script: "test",
    summary: "try it",
    profileFile: "p",
    notes: [],
    checks,
    steps,
  };
  return applyPlan(plan, () => {}).catch((error: unknown) => error);
}

function saving(saveTo: string, script: string): Step {
  return { kind: "command", why: "keep it", argv: ["sh", "-c", script], saveTo };
}

test("applyPlan() keeps output in a new file that is its owner's alone", async () => {
  const file = join(folder, "kept");
  expect(await apply([saving(file, "echo table")])).toBeUndefined();
  expect(readFileSync(file, "utf8")).toBe("table\n");
  expect(statSync(file).mode & 0o777).toBe(0o600);
});

test("applyPlan() leaves no file when the program that fills it fails", async () => {
  const file = join(folder, "half");
  expect(await apply([saving(file, "echo half; exit 1")])).toBeInstanceOf(Failure);
  expect(existsSync(file)).toBe(false);
});

test.each([
  ["exists", "taken"],
  ["has no folder", "nowhere/kept"],
])(
  "applyPlan() refuses, with nothing touched, when the file of its first step %s",
  async (_, name) => {
    await Bun.write(join(folder, "taken"), "mine");
    const names = readdirSync(folder);
    const error = await apply([saving(join(folder, name), "echo table")]);
    expect(error).toBeInstanceOf(Refusal);
    expect(String(error)).toContain(name);
    expect(readdirSync(folder)).toEqual(names);
    expect(readFileSync(join(folder, "taken"), "utf8")).toBe("mine");
  },
);

test("applyPlan() fails when a later step's file can't be made", async () => {
  const first: Step = { kind: "command", why: "first", argv: ["true"] };
  const error = await apply([first, saving(join(folder, "nowhere/kept"), "echo table")]);
  expect(error).toBeInstanceOf(Failure);
  expect(String(error)).toContain("1 of 2 steps done");
});

test("applyPlan() refuses when the program of a check fails", async () => {
  const check: Check = { what: "the answer", argv: ["false"], expected: "" };
  const error = await apply([saving(join(folder, "never"), "echo table")], [check]);
  expect(error).toBeInstanceOf(Refusal);
  expect(String(error)).toContain("the answer");
  expect(existsSync(join(folder, "never"))).toBe(false);
});

test.each([
  [0, undefined],
  [1, Refusal],
  [2, undefined],
] as const)("applyPlan() takes the statuses that a check accepts: %d", async (status, fault) => {
  const argv = ["sh", "-c", `exit ${status}`];
  const error = await apply([], [{ what: "the answer", argv, accept: [0, 2], expected: "" }]);
  if (fault === undefined) expect(error).toBeUndefined();
  else expect(error).toBeInstanceOf(fault);
});
