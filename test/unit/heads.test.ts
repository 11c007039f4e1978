/** The sort of a directory's slots, held against a sort of the strings themselves. */
import { describe, expect, test } from "bun:test";
import { sortSlots } from "../../lib/btrfs/heads.ts";
import { compareBytes } from "../../lib/btrfs/sort.ts";

/** Sorts strings of latin1; counts how many pairs were compared whole. */
function sorted(texts: readonly string[]): { texts: string[]; compared: number } {
  const arena = Buffer.from(texts.join(""), "latin1");
  const length = Uint16Array.from(texts, (text) => text.length);
  const start = new Uint32Array(texts.length);
  for (let slot = 1; slot < texts.length; slot++)
    start[slot] = start[slot - 1]! + length[slot - 1]!;
  const order = Uint32Array.from(texts, (_, slot) => slot);
  let compared = 0;
  sortSlots(order, texts.length, { arena, start, length }, (a, b) => {
    compared++;
    return compareBytes(arena, start[a]!, length[a]!, arena, start[b]!, length[b]!) || a - b;
  });
  return { texts: Array.from(order, (slot) => texts[slot]!), compared };
}

function byBytes(texts: readonly string[]): string[] {
  return [...texts].sort((a, b) =>
    Buffer.compare(Buffer.from(a, "latin1"), Buffer.from(b, "latin1")),
  );
}

const numbered = (count: number, name: (number: number) => string) =>
  Array.from({ length: count }, (_, index) => name((index * 7919) % count));

describe("sortSlots() sorts", () => {
  test.each<[what: string, texts: string[]]>([
    ["nothing", []],
    ["one", ["a"]],
    ["what is sorted", ["a", "b", "c"]],
    ["what is turned round", ["c", "b", "a"]],
    ["a name that begins another", ["file/", "file", "fil", "file-1", "file0"]],
    ["names of one byte", ["b", "a", "\xff", "\x01", "~"]],
    ["bytes beyond ASCII", ["\xff\xfe", "\xff", "\x80", "a\xff", "a\x80", "a"]],
    ["names that differ late", ["prefix-aaaaaa-2", "prefix-aaaaaa-1", "prefix-aaaaab-0"]],
    ["names alike", ["b", "a", "b", "a", "b"]],
    ["long names", ["x".repeat(255), "x".repeat(254), `${"x".repeat(254)}a`]],
    ["numbers without zeros ahead", numbered(500, (number) => `file-${number}`)],
    ["more slots than a key of five bytes has", numbered(2 ** 13 + 1, (number) => `n${number}`)],
    ["many names with ties", numbered(20_000, (number) => `${number % 7}-common-${number}`)],
  ])("%s", (_, texts) => {
    expect(sorted(texts).texts).toEqual(byBytes(texts));
  });

  test("anything, alike or not", () => {
    let seed = 7;
    const random = (below: number) => {
      seed = (Math.imul(seed, 1103515245) + 12345) >>> 0;
      return (seed >>> 8) % below;
    };
    for (let round = 0; round < 300; round++) {
      const texts = Array.from({ length: random(60) }, () =>
        String.fromCharCode(
          ...Array.from({ length: 1 + random(9) }, () => [1, 47, 97, 255][random(4)]!),
        ),
      );
      expect(sorted(texts).texts).toEqual(byBytes(texts));
    }
  });

  test("by numbers alone where a few bytes tell all apart", () => {
    expect(sorted(numbered(500, (number) => `a-long-beginning-${number}`)).compared).toBe(0);
    expect(sorted(["aaaaaa2", "aaaaaa1", "b"]).compared).toBeGreaterThan(0);
  });
});
