/** The executable where there is a kernel, busybox and nothing else. */
import { afterAll, expect, test } from "bun:test";
import { basename } from "node:path";
import { Scratch } from "../support/disk.ts";
import { emulate, emulatorOf } from "../support/emulated.ts";
import { builtExecutable } from "../support/executable.ts";
import { type GuestParts, guestParts } from "../support/guest.ts";
import { describeUnless, missingProgram } from "../support/privileged.ts";

/** The oldest with all of x86-64-v2, which is what Bun's baseline build is compiled for. */
const OLDEST = "Nehalem";

const needed = missingProgram([emulatorOf("x86_64"), "gcc"]);
const parts = needed ?? guestParts("x86_64");

describeUnless(
  typeof parts === "string" ? parts : undefined,
  "the executable on a bare kernel",
  () => {
    const scratch = new Scratch();
    afterAll(() => scratch[Symbol.dispose]());

    /** Runs command lines of the executable; of each the status and the first line are told. */
    function boot(lines: readonly string[], processor?: string): string[] {
      const { compressed } = builtExecutable();
      const script = `
      try() {
        "$@" >/run/stdout 2>/run/stderr
        echo "status $?: $(cat /run/stderr /run/stdout | head -n 1)"
      }
      self=/${basename(compressed)}
      ${lines.map((line) => `try ${line}`).join("\n")}
      echo "$(ls /run/blankroot-unpacked | wc -l) unpacked"
    `;
      const said = emulate(scratch, {
        architecture: "x86_64",
        parts: parts as GuestParts,
        script,
        files: [compressed],
        ...(processor === undefined ? {} : { processor }),
      });
      return said.trimEnd().split("\n");
    }

    test("starts, and in place too", () => {
      const version = expect.stringMatching(/^status 0: blankroot \d.* \([0-9a-f]+\+?\)$/);
      const said = boot(
        [
          "$self --version",
          "$self fs-diff --help",
          "$self unpack /run/in-place",
          "/run/in-place --version",
          "$self fs-diff --root /dev",
          "$self fs-dif",
        ],
        OLDEST,
      );
      expect(said).toEqual([
        version,
        "status 0: fs-diff: List what the next boot would take away",
        "status 0: [success] wrote /run/in-place",
        version,
        expect.stringContaining("status 1: "),
        'status 2: [error] blankroot: no script "fs-dif", did you mean fs-diff?',
        "1 unpacked",
      ]);
    });

    test("says what is missing on a processor that is too old: QEMU's default", () => {
      const [said] = boot(["$self --version"]);
      expect(said).toStartWith("status 4: blankroot: Cannot start: this processor has no SSE4.2");
    });
  },
);
