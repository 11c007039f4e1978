import { describe, expect, test } from "bun:test";
import {
  oldRootName,
  type RollbackParameters,
  rollbackParameters,
  rollbackScript,
} from "../../lib/boot/rollback.ts";
import { describeResult, readResult } from "../../lib/boot/rollback-result.ts";
import type { BtrfsTop, TopEntry } from "../../lib/facts.ts";
import { toShell } from "../../lib/plan-shell.ts";
import { planRollback, type RollbackFacts } from "../../lib/plans/rollback.ts";
import { exampleProfile } from "../support/example.ts";
import { idleDisk } from "../support/facts.ts";
import { SHELLS } from "../support/rollback-programs.ts";

const parameters: RollbackParameters = {
  device: "/dev/vda3",
  root: "root",
  blank: "root-blank",
  oldRoots: "old_roots",
  keepOld: true,
};
const blank: TopEntry = { kind: "subvolume", readOnly: true, empty: true };
const BOOT_ID = "d15619af-7291-4149-94ec-47a70dbb8cca";

function factsWith(
  changes: Partial<RollbackFacts>,
  entry: TopEntry | undefined,
  others: Record<string, TopEntry> = {},
): RollbackFacts {
  const entries = new Map(Object.entries(others));
  if (entry !== undefined) entries.set("root-blank", entry);
  const top: BtrfsTop = { node: "/dev/vda3", uuid: "5f0c", guards: [], listing: "", entries };
  return { disk: idleDisk, top, runs: false, rootMounts: [], ...changes };
}

describe("rollbackScript()", () => {
  test("sets its parameters ahead of a text that never changes", () => {
    const other = { ...parameters, device: "/dev/sdb1", root: "@", keepOld: false };
    const [ours, theirs] = [rollbackScript(parameters), rollbackScript(other)].map((script) => {
      const end = script.indexOf("\n\n");
      return { ahead: script.slice(0, end), text: script.slice(end) };
    });
    expect(ours!.text).toBe(theirs!.text);
    expect(ours!.ahead).toBe(`blankroot_device=/dev/vda3
blankroot_root=root
blankroot_blank=root-blank
blankroot_old_roots=old_roots
blankroot_keep_old=yes
blankroot_top=/run/blankroot/top
blankroot_result=/run/blankroot/rollback`);
  });

  test.each(["a b", "it's", '"$(reboot)"', "`x`", "\\", "é", "-n", "*", "~", "#x", "!!"])(
    "quotes %p so that every shell reads it back",
    (name) => {
      const ahead = rollbackScript({ ...parameters, root: name }).split("\n\n")[0];
      for (const argv of Object.values(SHELLS)) {
        const text = `${ahead}\nprintf %s "$blankroot_root"`;
        const child = Bun.spawnSync([...argv, "-c", text], { stdout: "pipe" });
        expect(child.stdout.toString()).toBe(name);
      }
    },
  );

  test.each(["a\nb", "\u0000", "\u001b[2J", "\u007f"])("refuses %p", (name) => {
    expect(() => rollbackScript({ ...parameters, blank: name })).toThrow(
      /^Cannot write the rollback: blank is ".*", expected no control characters$/,
    );
  });

  test.each(Object.entries(SHELLS))("parses under %s", (_, argv) => {
    const script = rollbackScript(parameters);
    const child = Bun.spawnSync([...argv, "-n", "-c", script], { stderr: "pipe" });
    expect([child.exitCode, child.stderr.toString()]).toEqual([0, ""]);
    const cut = Bun.spawnSync([...argv, "-n", "-c", script.slice(0, -30)], { stderr: "pipe" });
    expect(cut.exitCode).not.toBe(0);
  });

  test("has no @word@, which scripted stage 1 would replace, nor what ends a string of Nix, and is plain ASCII", () => {
    const script = rollbackScript(parameters);
    expect(script).not.toMatch(/@\w+@/);
    expect(script).not.toContain("''");
    expect(script).toMatch(/^[\n\x20-\x7e]*$/);
  });
});

describe("rollbackParameters()", () => {
  test.each([
    [30, 3, true],
    [0, 3, true],
    [1, 0, true],
    [0, 0, false],
  ])("of keep = { days = %p, at_least = %p } keeps old roots: %p", (days, at_least, keepOld) => {
    const profile = exampleProfile({ rollback: { keep: { days, at_least } } });
    expect(rollbackParameters(profile, "/dev/vda3")).toEqual({ ...parameters, keepOld });
  });
});

test("oldRootName() is the time in UTC and the boot's id", () => {
  const date = new Date("2026-11-23T18:20:27.999+01:00");
  expect(oldRootName(date, BOOT_ID)).toBe(`20261123T172027Z-${BOOT_ID}`);
});

describe("readResult()", () => {
  test("reads what the rollback writes", () => {
    const text = `outcome=failed\nreason=a=b: no\nwarning=\nboot_id=${BOOT_ID}\ndevice=/dev/x\nold_root=\n`;
    expect(readResult(text)).toEqual({
      outcome: "failed",
      reason: "a=b: no",
      warning: "",
      boot_id: BOOT_ID,
      device: "/dev/x",
      old_root: "",
    });
  });

  test.each(["", "outcome=\n", "outcome=won\n", "reason=x\n"])("refuses %p", (text) => {
    expect(() => readResult(text)).toThrow(/^Cannot read the rollback's result: its outcome is/);
  });
});

describe("describeResult()", () => {
  const result = { warning: "", boot_id: BOOT_ID, device: "/dev/x", reason: "", old_root: "" };
  test.each([
    [{ outcome: "done", old_root: "N" }, "the root on /dev/x is blank, the old one is old/N"],
    [{ outcome: "finished", reason: "why" }, "the root on /dev/x is blank: why, this one finished"],
    [{ outcome: "skipped", reason: "why" }, "nothing was done on /dev/x: why"],
    [{ outcome: "failed", reason: "\u001b" }, "the rollback on /dev/x failed: \\x1b"],
  ] as const)("says of %p: %s", (part, sentence) => {
    expect(describeResult({ ...result, ...part }, "old")).toBe(sentence);
  });
});

describe("planRollback()", () => {
  test("runs the text in a mount namespace of its own, after the disk's checks", () => {
    const plan = planRollback(exampleProfile(), "host.toml", factsWith({}, blank));
    expect(plan.checks.slice(0, idleDisk.checks.length)).toEqual([...idleDisk.checks]);
    expect(plan.steps).toHaveLength(1);
    const script = toShell(plan);
    expect(script).toContain(
      "unshare --mount --propagation private sh <<'END'\nblankroot_device=/dev/vda3\n",
    );
  });

  test.each<[string, Partial<RollbackFacts>, TopEntry | undefined, RegExp]>([
    ["a running system's root", { runs: true }, blank, /running system is on that disk/],
    [
      "a running system's disk",
      {
        disk: {
          ...idleDisk,
          uses: [{ node: "/dev/vda3", how: "mounted at /", vital: "running system" }],
        },
      },
      blank,
      /running system is on that disk/,
    ],
    [
      "a mounted root",
      { rootMounts: ["/mnt", "/x\n"] },
      blank,
      /mounted at \/mnt, \/x\\n, expected/,
    ],
    ["a missing blank one", {}, undefined, /there is no root-blank, expected a blank snapshot/],
    ["a writable blank one", {}, { ...blank, readOnly: false }, /root-blank is writable, expected/],
    [
      "a blank one with content",
      {},
      { ...blank, empty: false },
      /root-blank is not empty, expected/,
    ],
    ["a directory for it", {}, { ...blank, kind: "directory" }, /root-blank is no subvolume/],
  ])("refuses %s", (_, changes, entry, message) => {
    const facts = factsWith(changes, entry);
    expect(() => planRollback(exampleProfile(), "host.toml", facts)).toThrow(message);
  });

  test.each<[string, TopEntry["kind"], RegExp]>([
    ["root", "directory", /: root is a plain directory, expected a subvolume$/],
    ["root", "other", /: root is no directory, expected a subvolume$/],
    ["root.blankroot-next", "directory", /: root\.blankroot-next is a plain directory, expected/],
    ["old_roots", "other", /: old_roots is no directory, expected a directory$/],
  ])("refuses where %s is of the kind %s", (name, kind, message) => {
    const facts = factsWith({}, blank, { [name]: { kind, readOnly: false, empty: true } });
    expect(() => planRollback(exampleProfile(), "host.toml", facts)).toThrow(message);
  });

  test.each<[string, TopEntry["kind"]]>([
    ["root", "subvolume"],
    ["root.blankroot-next", "subvolume"],
    ["old_roots", "directory"],
    ["old_roots", "subvolume"],
  ])("takes %s of the kind %s", (name, kind) => {
    const facts = factsWith({}, blank, { [name]: { kind, readOnly: false, empty: true } });
    expect(planRollback(exampleProfile(), "host.toml", facts).steps).toHaveLength(1);
  });
});
