/** Sums of bytes, and the numbers that they are made of. */
import { describe, expect, test } from "bun:test";
import { ByteSum, type Weight } from "../../lib/byte-sum.ts";
import { compareExact, type Exact, exact, exactOf } from "../../lib/exact.ts";
import { Random } from "../support/random.ts";

function sumOf(weights: readonly Weight[]): Exact {
  const sum = new ByteSum();
  for (const weight of weights) sum.add(weight);
  return sum.total;
}

describe("ByteSum", () => {
  test.each<[what: string, weights: Weight[], total: Exact]>([
    ["nothing", [], 0],
    ["names of one file", Array(300).fill({ sizeBytes: 1000, names: 300 }), 1000],
    [
      "names of one huge file",
      Array(3).fill({ sizeBytes: 2n ** 63n - 1n, names: 3 }),
      2n ** 63n - 1n,
    ],
    ["one name of many, rounded", [{ sizeBytes: 5, names: 2 }], 3],
    [
      "up to what a double holds",
      [
        { sizeBytes: 2 ** 53 - 2, names: 1 },
        { sizeBytes: 1, names: 1 },
      ],
      2 ** 53 - 1,
    ],
    ["and beyond", Array(3).fill({ sizeBytes: 2 ** 53 - 1, names: 1 }), 3n * (2n ** 53n - 1n)],
  ])("of %s", (_, weights, total) => {
    expect(sumOf(weights)).toBe(total);
  });

  test("is that of whole numbers, whatever their sizes and however they are put together", () => {
    const random = new Random(7);
    const [whole, parts] = [new ByteSum(), Array.from({ length: 5 }, () => new ByteSum())];
    let expected = 0n;
    for (let index = 0; index < 2000; index++) {
      const bits = BigInt(random.below(63));
      const value = BigInt.asUintN(Number(bits), BigInt(random.below(2 ** 31)) ** 2n);
      const weight = { sizeBytes: exactOf(value), names: 1 };
      expected += value;
      whole.add(weight);
      parts[random.below(5)]!.add(weight);
    }
    const joined = new ByteSum();
    for (const part of parts) joined.addSum(part);
    expect(whole.total).toBe(exactOf(expected));
    expect(joined.total).toBe(exactOf(expected));
    expect(expected).toBeGreaterThan(2n ** 60n);
  });
});

describe("exact()", () => {
  test.each<[high: number, low: number, value: Exact]>([
    [0, 7, 7],
    [2 ** 21 - 1, 2 ** 32 - 1, 2 ** 53 - 1],
    [2 ** 21, 0, 2n ** 53n],
    [2 ** 31 - 1, 2 ** 32 - 1, 2n ** 63n - 1n],
    [-1, 2 ** 32 - 1, -1],
    [-(2 ** 31), 0, -(2n ** 63n)],
    [-(2 ** 21), 0, -(2n ** 53n)],
    [-(2 ** 21), 1, -(2 ** 53 - 1)],
  ])("of %d and %d", (high, low, value) => {
    expect(exact(high, low)).toBe(value);
    expect(exactOf(BigInt(value))).toBe(value);
  });

  test("has an order across both forms", () => {
    const falling = [2n ** 63n, 2n ** 53n + 1n, 2n ** 53n, 2 ** 53 - 1, 0, -1, -(2n ** 60n)];
    expect(falling.toReversed().sort((a, b) => compareExact(b, a))).toEqual(falling);
  });
});
