/** What stage 1 runs around the rollback: all that needs no disk. */
import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { keepingWord, SKIP_IF_ASKED, scriptedHook } from "../../lib/boot/stage1.ts";
import { Scratch } from "../support/disk.ts";
import { SHELLS } from "../support/rollback-programs.ts";

/** Told alike by the shell and by us. */
describe("a kernel's command line keeps the root", () => {
  test.each<[string, string | undefined]>([
    ["quiet blankroot.rollback=no splash", "blankroot.rollback=no"],
    ["blankroot.rollback=no", "blankroot.rollback=no"],
    ["quiet\tblankroot.rollback=no\t", "blankroot.rollback=no"],
    ["quiet\nblankroot.rollback=no", "blankroot.rollback=no"],
    ["blankroot.rollback=No", "blankroot.rollback=No"],
    ["blankroot.rollback=0", "blankroot.rollback=0"],
    ["blankroot.rollback", "blankroot.rollback"],
    ["blankroot.rollback = no", "blankroot.rollback"],
    ["blankroot.rollback=yes blankroot.rollback=off", "blankroot.rollback=off"],
    ['blankroot.rollback="no"', 'blankroot.rollback="no"'],
    ['"blankroot.rollback=no"', '"blankroot.rollback=no"'],
    ["blankroot.rollback=\\n", "blankroot.rollback=\\n"],
    ["blankroot.rollback=*", "blankroot.rollback=*"],
    ["", undefined],
    ["quiet * /* -n", undefined],
    ["blankroot.rollback=yes", undefined],
    ["xblankroot.rollback=no", undefined],
    ["blankrootxrollback=no", undefined],
    ["blankroot.roll=no", undefined],
    ["init=/blankroot.rollback=no", undefined],
  ])("%p: %p", (line, word) => {
    expect(keepingWord(line)).toBe(word);
    using scratch = new Scratch();
    const file = scratch.path("cmdline");
    const found = `${word ?? ""}|${word === undefined ? "no" : "yes"}`;
    for (const end of ["", "\n"]) {
      writeFileSync(file, line + end);
      const script = `IFS=.\n${SKIP_IF_ASKED.replace("/proc/cmdline", file)}`;
      for (const argv of [...Object.values(SHELLS), ["bash"], ["busybox", "ash"]]) {
        const text = `${script}printf '%s|%s' "$blankroot_keeping" "$blankroot_skip"`;
        const program = Bun.which(argv[0]!)!;
        const child = Bun.spawnSync([program, ...argv.slice(1), "-c", text], { env: { PATH: "" } });
        expect(child.stdout.toString()).toBe(found);
      }
    }
  });

  test("not where it can't be read", () => {
    const script = SKIP_IF_ASKED.replace("/proc/cmdline", "/none");
    for (const argv of Object.values(SHELLS)) {
      const child = Bun.spawnSync([...argv, "-c", `${script}echo "$blankroot_skip"`]);
      expect(child.stdout.toString()).toBe("no\n");
    }
  });
});

describe("scriptedHook()", () => {
  test.each<[string, "boot" | "stop", string]>([
    ["true", "boot", "goes on\n"],
    ["true", "stop", "goes on\n"],
    ["false", "boot", "blankroot: booting the root as it is\ngoes on\n"],
    ["false", "stop", "fail\ngoes on\n"],
    ["(exit 1)", "stop", "fail\ngoes on\n"],
  ])("around %s, to %s", (text, onFailure, said) => {
    // It waits for no device here.
    const script = `fail() { echo fail; }\n${scriptedHook("/none", text, onFailure)}echo goes on`;
    for (const argv of [...Object.values(SHELLS), ["bash"], ["busybox", "ash"]]) {
      const child = Bun.spawnSync([...argv, "-c", script.replace("sleep 1", "break")]);
      expect(child.stdout.toString()).toBe(said);
    }
  });
});
