/** The example, mangled at random: whatever comes, it is a profile or a fault with its places. */
import { expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { UsageFault } from "../../lib/fault.ts";
import { readProfile } from "../../lib/profile/read.ts";

const EXAMPLE = readFileSync(join(import.meta.dir, "../../config.toml"));
const WRITTEN = Buffer.from("[]{}=\"\n\r.,\\\0\x80\xff '#_-1");
const ROUNDS = 300;

test("readProfile() of a mangled example gives a profile, or faults with file, line and column", () => {
  const random = sequence(20_260_101);
  const seen = { profiles: 0, faults: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const bytes = round % 2 === 0 ? mangledBytes(random) : mangledLines(random);
    const lines = bytes.toString("latin1").split("\n").length;
    const fault = faultOf(bytes);
    if (fault === undefined) seen.profiles++;
    else {
      seen.faults++;
      const places = Array.from(
        fault.matchAll(/^(?:Cannot use the profile: | {2})p:(\d+):(\d+): ./gm),
      );
      expect(places.length).toBeGreaterThan(0);
      for (const [, line] of places) expect(Number(line)).toBeWithin(1, lines + 1);
    }
  }
  expect(seen.profiles).toBeGreaterThan(10);
  expect(seen.faults).toBeGreaterThan(100);
});

/** Undefined where it is a profile; any other error than a fault of the profile is thrown on. */
function faultOf(bytes: Uint8Array): string | undefined {
  try {
    readProfile("p", bytes);
    return undefined;
  } catch (error) {
    if (!(error instanceof UsageFault)) throw error;
    return error.message;
  }
}

function mangledBytes(random: () => number): Buffer {
  const bytes = Buffer.from(EXAMPLE);
  for (let change = random() % 4; change >= 0; change--) {
    bytes[random() % bytes.length] = WRITTEN[random() % WRITTEN.length]!;
  }
  return bytes;
}

function mangledLines(random: () => number): Buffer {
  const lines = EXAMPLE.toString().split("\n");
  for (let change = random() % 4; change >= 0; change--) {
    const [line] = lines.splice(random() % lines.length, 1);
    if (random() % 3 !== 0) lines.splice(random() % lines.length, 0, line!);
  }
  return Buffer.from(lines.join("\n"));
}

/** Numerical Recipes' linear congruences: the same numbers on every machine. */
function sequence(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state >>> 8;
  };
}
