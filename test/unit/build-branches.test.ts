/** The change of branches and its inverse in C are told apart by nothing: all comes back. */
import { afterAll, beforeAll, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ARCHITECTURES } from "../../tools/build/architectures.ts";
import { type Machine, makeBranchesAbsolute } from "../../tools/build/branches.ts";
import { Scratch, sh } from "../support/disk.ts";
import { describeUnless, missingProgram } from "../support/privileged.ts";
import { translator } from "../support/translator.ts";

const ROOT = join(import.meta.dir, "../..");
/** How its programs are run here, and a large one of its own. */
const MACHINES = {
  x86_64: { needs: ["gcc"], run: () => [], code: "/bin/bash" },
  aarch64: {
    needs: [compilerOf("aarch64"), "apt-get", "dpkg-deb"],
    run: () => [translator()],
    code: "/usr/aarch64-linux-gnu/lib/libc.so.6",
  },
} as const;

/** What is looked for, and what stands before and behind it. */
const OPCODES = [0xe8, 0xe9, 0x94, 0x97, 0, 0xff, 0x0f, 0x28, 0x48, 0x8b, 0x05, 0x0d, 0x15, 0x3d];

function compilerOf(machine: Machine): string {
  return ARCHITECTURES.find(({ name }) => name === machine)!.compiler;
}

for (const machine of ["x86_64", "aarch64"] as const) {
  const { needs, run, code: realCode } = MACHINES[machine];
  describeUnless(missingProgram(needs), machine, () => {
    let program: string;
    const scratch = new Scratch();

    afterAll(() => scratch[Symbol.dispose]());

    beforeAll(() => {
      program = scratch.path("restore");
      const source = join(ROOT, "test/support/c/restore-branches.c");
      const flags = "-O2 -Wall -Wextra -Werror -static".split(" ");
      sh([compilerOf(machine), ...flags, "-I", join(ROOT, "launcher"), "-o", program, source]);
    });

    /** Changed in pieces that end at `ends`, and restored in the same. */
    function roundTrip(code: Uint8Array, ends: readonly number[]): Uint8Array {
      const changed = Uint8Array.from(code);
      let from = 0;
      for (const to of ends) {
        makeBranchesAbsolute(machine, changed, from, to);
        from = to;
      }
      const argv = [...run(), program, ...ends.map(String)];
      const child = Bun.spawnSync(argv, { stdin: changed, stdout: "pipe", stderr: "inherit" });
      expect(child.exitCode).toBe(0);
      return child.stdout;
    }

    test("the branches of real code come back", () => {
      const code = new Uint8Array(readFileSync(realCode)).subarray(0, 4_000_000);
      expect(Buffer.from(roundTrip(code, [code.length])).equals(code)).toBe(true);
    });

    test("so do those at every edge", () => {
      const edges = [
        0, 1, 2, 0x7f, 0x80, 0xfffe, 0xffff, 0x10000, 0x7fffffff, 0x80000000, 0xffffffff,
      ];
      const code = new Uint8Array(edges.length * edges.length * 16);
      const view = new DataView(code.buffer);
      let at = 0;
      for (const value of edges) {
        for (const other of edges) {
          code[at] = at % 32 === 0 ? 0xe8 : 0xe9;
          view.setUint32(at + 1, value + code.length - other, true);
          view.setUint32(at + 8, ((0x25 << 26) | (value & 0x3ffffff)) >>> 0, true);
          view.setUint32(at + 12, (0x25 << 26) | (other & 0x3ffffff), true);
          at += 16;
        }
      }
      for (const size of [code.length, code.length - 1, code.length - 4, 13, 5, 4, 0]) {
        const piece = code.slice(0, size);
        expect(Buffer.from(roundTrip(piece, [size])).equals(piece)).toBe(true);
        const ends = [Math.floor(size / 3), Math.floor(size / 2) + 1, size];
        expect(Buffer.from(roundTrip(piece, ends)).equals(piece)).toBe(true);
      }
    });

    test("so does anything at all", () => {
      let seed = 1;
      const random = () => {
        seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
        return seed >>> 8;
      };
      for (let round = 0; round < 20; round++) {
        const code = Uint8Array.from({ length: 5000 }, () =>
          random() % 3 === 0 ? OPCODES[random() % OPCODES.length]! : random() & 0xff,
        );
        const ends = [random() % 2500, 2500 + (random() % 2500), 5000];
        expect(Buffer.from(roundTrip(code, ends)).equals(code)).toBe(true);
      }
    });

    test("and what calls one function from two places is then the same twice", () => {
      const code = new Uint8Array(64);
      const view = new DataView(code.buffer);
      if (machine === "x86_64") {
        for (const at of [8, 24]) {
          code[at] = 0xe8;
          view.setInt32(at + 1, 48 - at, true);
        }
        for (const at of [35, 43]) {
          code.set([0x48, 0x8d, 0x05], at - 2);
          view.setInt32(at + 1, 60 - at, true);
        }
      } else {
        for (const at of [8, 24]) view.setUint32(at, (0x25 << 26) | ((48 - at) / 4), true);
      }
      makeBranchesAbsolute(machine, code, 0, 64);
      expect(code.slice(8, 13)).toEqual(code.slice(24, 29));
      expect(code.slice(33, 40)).toEqual(code.slice(41, 48));
    });
  });
}
