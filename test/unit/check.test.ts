import { describe, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { checkScript, checkUnit } from "../../lib/boot/check.ts";
import { rollbackScript } from "../../lib/boot/rollback.ts";
import { KEEP_PARAMETER } from "../../lib/boot/stage1.ts";
import { installLinks } from "../../lib/boot/unit.ts";
import { Scratch } from "../support/disk.ts";
import { SHELLS } from "../support/rollback-programs.ts";

const BOOT_ID = readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
const OTHER_BOOT = "00000000-0000-4000-8000-000000000001";
/** Without -e as well: the script must not need it. */
const ALL_SHELLS = { ...SHELLS, "bash, no -e": ["bash"], "ash, no -e": ["busybox", "ash"] };

function result(outcome: string, reason = "", boot = BOOT_ID): string {
  return `outcome=${outcome}\nreason=${reason}\nwarning=\nboot_id=${boot}\ndevice=/dev/x\nold_root=\n`;
}

/** Runs the check with no program on PATH; its text reads the kernel's command line from a file. */
function check(argv: readonly string[], text: string | undefined, cmdline = "quiet") {
  using scratch = new Scratch();
  const [file, line] = [scratch.path("a result"), scratch.path("cmdline")];
  if (text !== undefined) writeFileSync(file, text);
  writeFileSync(line, `${cmdline}\n`);
  const script = checkScript(file).replace("/proc/cmdline", line);
  const child = Bun.spawnSync([Bun.which(argv[0]!)!, ...argv.slice(1), "-c", script], {
    env: { PATH: "" },
    stdout: "pipe",
    stderr: "pipe",
  });
  const { exitCode, stdout, stderr } = child;
  return { status: exitCode, stdout: `${stdout}`, said: `${stderr}`.replaceAll(file, "FILE") };
}

describe("checkScript()", () => {
  test.each<[string, string | undefined, string, number, string]>([
    ["a wipe", result("done"), "quiet", 0, "the root was wiped at this boot\n"],
    [
      "one that had nothing to do",
      result("done", "the root was blank and unused"),
      "quiet",
      0,
      "the root was wiped at this boot: the root was blank and unused\n",
    ],
    ["one that finished another", result("finished", "why"), "", 0, "wiped at this boot: why\n"],
    ["no result", undefined, "quiet", 1, "there is no FILE, so the rollback did not run"],
    ["an empty one", "", "quiet", 1, "FILE is of another boot\n"],
    ["another boot's", result("done", "", OTHER_BOOT), "quiet", 1, "FILE is of another boot\n"],
    ["a failure", result("failed", "a=b: no"), "quiet", 1, "the rollback failed: a=b: no\n"],
    ["an unknown outcome", result("won"), "quiet", 1, "FILE has the outcome 'won'\n"],
    ["none at all", `boot_id=${BOOT_ID}\n`, "quiet", 1, "FILE has the outcome ''\n"],
    ["a skip that nobody asked for", result("skipped"), "quiet", 1, "doesn't ask for it"],
    ["a skip as asked for", result("skipped"), `a ${KEEP_PARAMETER} b`, 0, "was to be kept at"],
    ["no result as asked for", undefined, KEEP_PARAMETER, 0, "was to be kept at this boot"],
    ["a failure where it was asked for", result("failed"), KEEP_PARAMETER, 0, "was to be kept"],
    ["a skip beside another word", result("skipped"), `x${KEEP_PARAMETER}`, 1, "doesn't ask"],
    [
      "a skip for a word with a slip in it",
      result("skipped"),
      `a ${KEEP_PARAMETER}ne`,
      1,
      "the root was kept at this boot: the kernel's command line says blankroot.rollback=none, expected",
    ],
    [
      "a wipe that was not to be",
      result("done"),
      KEEP_PARAMETER,
      1,
      `the root was wiped at this boot, though the kernel's command line says ${KEEP_PARAMETER}\n`,
    ],
    ["another boot's wipe", result("done", "", OTHER_BOOT), KEEP_PARAMETER, 0, "was to be kept"],
  ])("of %s", (_, text, cmdline, status, words) => {
    for (const argv of Object.values(ALL_SHELLS)) {
      const { said, ...ended } = check(argv, text, cmdline);
      expect(ended).toEqual({ status, stdout: "" });
      expect(said).toContain(words);
      expect(said).toMatch(/^blankroot: the root was .*\n$/);
    }
  });

  test("reads what the rollback writes", () => {
    using scratch = new Scratch();
    const file = scratch.path("result");
    const names = { device: "/dev/x", root: "a", blank: "b", oldRoots: "c", keepOld: true };
    const script = rollbackScript({ ...names, result: file });
    Bun.spawnSync(["dash", "-c", `blankroot_skip=yes\n${script}`]);
    expect(check(["dash"], readFileSync(file, "utf8"))).toMatchObject({ status: 1 });
    const done = readFileSync(file, "utf8").replace("outcome=skipped", "outcome=done");
    expect(check(["dash"], done)).toMatchObject({ status: 0 });
  });

  test("is a guest in another script", () => {
    for (const argv of Object.values(SHELLS)) {
      const text = `say() { echo host; }; result=mine; if (${checkScript("/none")}); then :; fi; say; echo "$result"`;
      const child = Bun.spawnSync([...argv, "-c", text], { stdout: "pipe", stderr: "pipe" });
      expect(child.stdout.toString()).toBe("host\nmine\n");
    }
  });
});

test("checkUnit() is started by every boot and stays", () => {
  expect(installLinks(checkUnit())).toEqual(["multi-user.target.wants/blankroot-check.service"]);
});
