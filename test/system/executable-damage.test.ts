/** A broken download is told from a good one, and never runs. */
import { beforeAll, expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import type { Ran } from "../support/blankroot.ts";
import { EmptyRoot } from "../support/empty-root.ts";
import { builtExecutable } from "../support/executable.ts";
import { describePrivileged } from "../support/privileged.ts";

const PAGE = 4096;
/** Of the file, what says so: less than one packet of a download holds. */
const FIRST_BYTES = 600;
const INCOMPLETE = "this file is incomplete or damaged, its size is wrong; download it again";
const DAMAGED = "this file is damaged, its checksum is wrong; download it again";
/** Of launcher/payload.h: where the frames are told. */
const MAGIC = "blankroot frames";

describePrivileged("a damaged executable", () => {
  let good: Buffer;
  let inPlace: Buffer;
  /** Where the launcher ends and where each frame begins. */
  let frames: number[];

  beforeAll(() => {
    const files = builtExecutable();
    good = readFileSync(files.compressed);
    inPlace = readFileSync(files.inPlace);
    const at = good.indexOf(MAGIC);
    const count = Number(good.readBigUInt64LE(at + 96));
    frames = Array.from({ length: count }, (_, index) =>
      Number(good.readBigUInt64LE(at + 104 + index * 32)),
    );
    expect(frames.length).toBeGreaterThan(1);
    expect(good.readUInt32LE(frames[0]!)).toBe(0xfd2fb528); // Zstandard's magic number
  });

  function run(bytes: Uint8Array): Ran {
    using root = new EmptyRoot("/bin/true");
    writeFileSync(root.path("blankroot"), bytes, { mode: 0o755 });
    const ran = root.enter();
    expect(ran.stdout).toBe("");
    expect(ran.status).not.toBe(0);
    return ran;
  }

  function flipped(bytes: Buffer, at: number, bit = 0): Buffer {
    const copy = Buffer.from(bytes);
    copy[at]! ^= 1 << bit;
    return copy;
  }

  test("is what the next tests make of it: the same way, undamaged, it starts", () => {
    using root = new EmptyRoot(builtExecutable().compressed);
    writeFileSync(root.path("blankroot"), good, { mode: 0o755 });
    expect(root.enter()).toMatchObject({ status: 0 });
  });

  test("cut off anywhere behind its first bytes, it says so", () => {
    const launcherEnd = Math.min(...frames);
    const middles = frames.map((from) => from + 1000);
    for (const size of [
      ...Array.from({ length: 50 }, (_, index) => FIRST_BYTES + index * 70),
      PAGE,
      PAGE + 1,
      launcherEnd - 1,
      launcherEnd,
      ...frames,
      ...middles,
      good.length - PAGE,
      good.length - 1,
    ]) {
      expect(run(good.subarray(0, size)).stderr).toBe(`blankroot: Cannot start: ${INCOMPLETE}\n`);
    }
  });

  test("cut off within its first bytes, it doesn't run", () => {
    for (const size of [1, 16, 63, 64, 175, 176, 177, 250, 321, 400, 500, FIRST_BYTES - 20]) {
      run(good.subarray(0, size));
    }
  });

  test("with bytes behind its end, it says so", () => {
    const longer = Buffer.concat([good, Buffer.from("\n")]);
    expect(run(longer).stderr).toContain(INCOMPLETE);
  });

  test("with a bit flipped in any frame or in what is told of them, it says so", () => {
    const at = good.indexOf(MAGIC);
    const ends = frames.map(
      (_, index) => (frames.toSorted((a, b) => a - b)[index + 1] ?? good.length) - 1,
    );
    const places = [
      ...frames.flatMap((from) => [from, from + 5, from + 100_000]),
      ...ends,
      at + 24, // the checksum
      at + 40, // the name
      at + 72, // the unpacked size
      at + 77, // which is then a terabyte more
      at + 80, // the code's place
      at + 104, // the first frame's
    ];
    for (const place of places) {
      expect([place, run(flipped(good, place, 3)).stderr]).toEqual([
        place,
        `blankroot: Cannot start: ${DAMAGED}\n`,
      ]);
    }
  });

  test("with a bit flipped anywhere in the launcher, it doesn't run", () => {
    const launcherEnd = Math.min(...frames);
    let told = 0;
    for (let at = 0; at < launcherEnd; at += 1217) {
      if (run(flipped(good, at, at % 8)).stderr.includes("Cannot start")) told++;
    }
    // Most of it is zstd's decoder, which runs after the check.
    expect(told).toBeGreaterThan(50);
  });

  test("uncompressed and cut off, it says so", () => {
    for (const size of [
      2500,
      3000,
      PAGE,
      PAGE * 2,
      5000,
      PAGE * 20,
      1_000_000,
      inPlace.length - 1,
    ]) {
      const ran = run(inPlace.subarray(0, size));
      expect([size, ran.stderr]).toEqual([
        size,
        "blankroot: Cannot start: this file is damaged, its size is wrong; copy it again\n",
      ]);
    }
  });

  test("an error page saved under its name doesn't run as a program of ours", () => {
    const page = "<!DOCTYPE html>\n<html><body><h1>404 Not Found</h1></body></html>\n";
    run(Buffer.from(page));
  });
});
