import { describe, expect, test } from "bun:test";
import { cellsOf, cutToCells } from "../../lib/cells.ts";

describe("cellsOf()", () => {
  test.each<[text: string, cells: number]>([
    ["", 0],
    ["plain", 5],
    ["日本", 4],
    ["e\u0301", 1],
    ["👍", 2],
    // Two cells where a terminal joins them, four where it doesn't.
    ["👍🏽", 4],
    ["ｗ", 2],
  ])("of %p", (text, cells) => {
    expect(cellsOf(text)).toBe(cells);
  });
});

describe("cutToCells()", () => {
  test.each<[text: string, cells: number, cut: string]>([
    ["plain", 5, "plain"],
    ["plain", 4, "pla…"],
    ["日本語", 6, "日本語"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["e\u0301e\u0301e\u0301", 2, "e\u0301…"],
    ["日", 1, "…"],
  ])("of %p to %d", (text, cells, cut) => {
    expect(cutToCells(text, cells)).toBe(cut);
  });
});
