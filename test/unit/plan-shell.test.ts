import { afterAll, expect, test } from "bun:test";
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Plan, Step } from "../../lib/plan.ts";
import { toShell } from "../../lib/plan-shell.ts";

function planOf(...steps: Step[]): Plan {
  return { script: "test", summary: "try it", profileFile: "p", notes: [], checks: [], steps };
}

const folder = mkdtempSync(join(tmpdir(), "blankroot-plan-"));
afterAll(() => rmSync(folder, { recursive: true }));

function sh(script: string, shell = "sh") {
  const child = Bun.spawnSync(shell.split(" "), {
    stdin: Buffer.from(script),
    stdout: "pipe",
    stderr: "pipe",
  });
  return {
    status: child.exitCode,
    stdout: child.stdout.toString(),
    stderr: child.stderr.toString(),
  };
}

const HOSTILE = [
  "two  words",
  "a'b",
  'a"b',
  "$(id)",
  "`id`",
  "back\\slash",
  "new\nline",
  "-n",
  "*",
  "",
  "é\x1b[2J",
];

test.each(HOSTILE)("toShell() hands %p to the program as it is", (word) => {
  const script = toShell(
    planOf({ kind: "command", why: word, argv: ["printf", "%s|", word, "end"] }),
  );
  expect(sh(script).stdout).toBe(`${word}|end|`);
});

test("toShell() hands stdin over as it is", () => {
  const stdin = "$HOME `id` \\ 'x'\n";
  expect(sh(toShell(planOf({ kind: "command", why: "w", argv: ["cat"], stdin }))).stdout).toBe(
    stdin,
  );
});

const check = (expected: string) => ({ what: "the answer", argv: ["echo", "42"], expected });
const touch = { kind: "command", why: "touch", argv: ["echo", "touched"] } as const;

test.each(["dash", "bash", "busybox ash"])(
  "toShell() exits 3 before the first step in %s when a check fails",
  (shell) => {
    const ran = sh(toShell({ ...planOf(touch), checks: [check("41")] }), shell);
    expect(ran).toMatchObject({ status: 3, stdout: "" });
    expect(ran.stderr).toContain('the answer: it is "42", the plan was made for "41"');
    // The control: with what is so, it goes on.
    expect(sh(toShell({ ...planOf(touch), checks: [check("42")] }), shell)).toMatchObject({
      status: 0,
      stdout: "touched\n",
    });
  },
);

test.each(["dash", "bash", "busybox ash"])(
  "toShell() takes in %s the statuses that a check accepts, and no others",
  (shell) => {
    const finding = (status: number) => ({
      what: "the finding",
      argv: ["sh", "-c", `echo found; exit ${status}`],
      accept: [0, 2],
      expected: "found",
    });
    const ran = (status: number) =>
      sh(toShell({ ...planOf(touch), checks: [finding(status)] }), shell);
    expect([0, 1, 2, 3].map((status) => ran(status).status)).toEqual([0, 3, 0, 3]);
    expect(ran(3).stderr).toContain("the finding: sh failed");
  },
);

test.each(["dash", "bash", "busybox ash"])(
  "toShell() exits 4 in %s when a step fails, and does no more",
  (shell) => {
    const failing: Step = { kind: "command", why: "fail", argv: ["false"] };
    expect(sh(toShell(planOf(failing, touch)), shell)).toMatchObject({ status: 4, stdout: "" });
    const late: Step = { kind: "check", why: "see", check: check("41") };
    expect(sh(toShell(planOf(touch, late, touch)), shell)).toMatchObject({
      status: 4,
      stdout: "touched\n",
    });
  },
);

test("toShell() exits 4, not 3, when a check's program fails between steps", () => {
  const check = { what: "nothing", argv: ["false"], expected: "" };
  const ran = sh(toShell(planOf(touch, { kind: "check", why: "see", check })));
  expect(ran).toMatchObject({ status: 4, stdout: "touched\n" });
  expect(ran.stderr).not.toContain("nothing was touched");
});

test("toShell() looks at what needs no top before it mounts that", () => {
  const topCheck = { what: "names", argv: ["ls", { top: "" }], expected: "" };
  const plan = { ...planOf(touch), checks: [topCheck, check("41")], topOf: "/dev/null" };
  const ran = sh(toShell(plan));
  expect(ran.stderr).toContain("the answer");
  expect(ran).toMatchObject({ status: 3, stdout: "" });
});

test("toShell() refuses when a program is missing", () => {
  const ran = sh(toShell(planOf(touch, { kind: "command", why: "w", argv: ["no-such-program"] })));
  expect(ran).toMatchObject({ status: 3, stdout: "" });
  const wrapped: Step = { ...touch, argv: ["env", "no-such-program"], runs: ["no-such-program"] };
  expect(sh(toShell(planOf(touch, wrapped)))).toMatchObject({ status: 3, stdout: "" });
});

test("toShell() can't be ended early by text that looks like its own", () => {
  const stdin = "END\necho escaped\nEND_\n";
  const ran = sh(toShell(planOf({ kind: "command", why: "w", argv: ["cat"], stdin })));
  expect(ran.stdout).toBe(stdin);
  const listing = {
    what: "names",
    argv: ["echo", { top: "" }],
    expected: "a\nSCRIPT\necho escaped\n",
  };
  const script = toShell({ ...planOf(), checks: [listing], topOf: "/dev/null" });
  expect(script.trimEnd().split("\n").at(-1)).toBe("SCRIPT_");
});

const saving = (argv: string[], saveTo: string) =>
  toShell(planOf({ kind: "command", why: "keep it", argv, saveTo }));

test.each(["dash", "bash", "busybox ash"])(
  "toShell() keeps output in a new file in %s",
  (shell) => {
    const file = join(folder, `it's ${shell}`);
    expect(sh(saving(["echo", "table"], file), shell)).toMatchObject({ status: 0, stdout: "" });
    expect(readFileSync(file, "utf8")).toBe("table\n");
    expect(statSync(file).mode & 0o777).toBe(0o600);
    // The control: what is there is never written over.
    expect(sh(saving(["echo", "other"], file), shell).status).toBe(4);
    expect(readFileSync(file, "utf8")).toBe("table\n");
  },
);

test.each(["dash", "bash", "busybox ash"])(
  "toShell() leaves no file in %s when its program fails",
  (shell) => {
    const file = join(folder, `half of ${shell}`);
    expect(sh(saving(["sh", "-c", "echo half; exit 1"], file), shell).status).toBe(4);
    expect(existsSync(file)).toBe(false);
  },
);

test("toShell() has the kept file and its folder written to the disk before it goes on", () => {
  const file = join(folder, "synced");
  const bin = join(folder, "sync");
  writeFileSync(bin, `#!/bin/sh\nprintf '%s|' "$@"\n`, { mode: 0o755 });
  const script = `PATH=${folder}:$PATH\n${saving(["echo", "table"], file)}`;
  expect(sh(script).stdout).toBe(`${file}|${folder}|`);
});
