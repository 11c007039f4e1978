/** Sizes: exact, and nothing that could be read in two ways. */
import { describe, expect, test } from "bun:test";
import { parseSize } from "../../lib/profile/size.ts";

describe("parseSize() reads", () => {
  test.each([
    ["1KiB", 1024],
    ["512MiB", 536_870_912],
    ["8GiB", 8_589_934_592],
    ["3TiB", 3_298_534_883_328],
    ["8191TiB", 9_006_099_743_113_216],
    ["8589934591MiB", 9_007_199_253_692_416],
  ])("%s", (text, sizeBytes) => {
    expect(parseSize(text)).toEqual({ sizeBytes });
  });
});

describe("parseSize() refuses", () => {
  test.each([
    ["no unit", "8"],
    ["a unit that sfdisk and vendors read differently", "8G"],
    ["a decimal unit", "8GB"],
    ["another case", "8gib"],
    ["a fraction", "1.5GiB"],
    ["a blank", "8 GiB"],
    ["a newline at the end", "8GiB\n"],
    ["nothing", ""],
    ["zero", "0GiB"],
    ["a sign", "-8GiB"],
    ["a leading zero", "08GiB"],
    ["an exponent", "1e3MiB"],
    ["other digits", "٨GiB"],
    ["more than is exact in a number", "8192TiB"],
    ["far more", "9999999999999999TiB"],
  ])("%s", (_, text) => {
    expect(parseSize(text)).toEqual({ fault: expect.stringContaining("expected") });
  });
});
