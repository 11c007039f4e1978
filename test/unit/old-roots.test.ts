import { describe, expect, test } from "bun:test";
import { bootOfOldRoot, rootsToPrune, timeOfOldRoot } from "../../lib/old-roots.ts";

const BOOT = "7f0b5a3e-6f5f-4f0e-9a0a-0d3a1b2c3d4e";
const NOW = new Date("2026-03-31T12:00:00Z");

describe("timeOfOldRoot()", () => {
  test.each<[name: string, time: string | undefined]>([
    [`20260228T235959Z-${BOOT}`, "2026-02-28T23:59:59.000Z"],
    [`20260228T235959Z-${BOOT}+2`, "2026-02-28T23:59:59.000Z"],
    [`20260228T235959Z`, undefined],
    [`20261328T235959Z-${BOOT}`, undefined],
    [`20260229T235959Z-${BOOT}`, undefined],
    [`20240229T235959Z-${BOOT}`, "2024-02-29T23:59:59.000Z"],
    [`20260228T240000Z-${BOOT}`, undefined],
    [`20260228T235959Z-${BOOT}\n`, undefined],
    [`x20260228T235959Z-${BOOT}`, undefined],
    ["2026-02-28_23:59:59", undefined],
  ])("of %j is %s", (name, time) => {
    expect(timeOfOldRoot(name)?.toISOString()).toBe(time);
  });
});

test("bootOfOldRoot() is what follows the time", () => {
  expect(bootOfOldRoot(`20260228T235959Z-${BOOT}+2`)).toBe(`${BOOT}+2`);
});

describe("rootsToPrune()", () => {
  // One each: 10, 40, 50 and 60 days old.
  const names = ["20260130", "20260219", "20260209", "20260321"].map(
    (day) => `${day}T120000Z-${BOOT}`,
  );
  const [days60, days40, days50, days10] = names as [string, string, string, string];
  test.each<[what: string, keep: [number, number], newer: number, pruned: string[]]>([
    ["takes the oldest first", [30, 0], 1, [days60, days50, days40]],
    ["keeps as many as were promised", [30, 3], 0, [days60]],
    ["counts the one that is about to be set aside", [30, 3], 1, [days60, days50]],
    ["keeps all that are young enough", [60, 1], 1, []],
    ["keeps a number alone", [0, 2], 1, [days60, days50, days40]],
    ["takes all where none are kept", [0, 0], 1, [days60, days50, days40, days10]],
  ])("%s", (_, [days, at_least], newer, pruned) => {
    expect(rootsToPrune(names, { days, at_least }, NOW, newer)).toEqual(pruned);
  });

  test("leaves alone what has another name", () => {
    expect(rootsToPrune(["by hand", "20200101"], { days: 0, at_least: 0 }, NOW, 1)).toEqual([]);
  });

  test("takes a root from the future for a new one", () => {
    const future = `20990101T000000Z-${BOOT}`;
    expect(rootsToPrune([future, days60], { days: 30, at_least: 0 }, NOW, 0)).toEqual([days60]);
  });
});
