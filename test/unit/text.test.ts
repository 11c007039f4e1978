import { expect, test } from "bun:test";
import { asUtf8, formatBytes, plural, shellQuote, visible } from "../../lib/text.ts";

test.each<[string, string | Uint8Array, string]>([
  ["plain text as it is", "été 日本", "été 日本"],
  ["a newline and a tab by their letters", "a\nb\tc", "a\\nb\\tc"],
  ["escape sequences harmless", "\x1b]0;owned\x07", "\\x1b]0;owned\\x07"],
  ["C1 controls harmless", "\u009b2J", "\\x9b2J"],
  ["bidirectional overrides harmless", "a\u202egnp.exe", "a\\u202egnp.exe"],
  ["a line separator and a paragraph separator", "a\u2028b\u2029", "a\\u2028b\\u2029"],
  ["marks of direction", "\u061c\u200e\u200f\u2066", "\\u061c\\u200e\\u200f\\u2066"],
  ["what has no width", "a\u200b\u2060\ufeff\u00adb", "a\\u200b\\u2060\\ufeff\\xadb"],
  ["annotations", "\ufff9a\ufffb", "\\ufff9a\\ufffb"],
  ["tags beyond the first plane", "a\u{e0001}\u{e007f}", "a\\u{e0001}\\u{e007f}"],
  ["what is only beyond the first plane as it is", "𝔘🦊", "𝔘🦊"],
  ["bytes that are not UTF-8 by their number", new Uint8Array([0x61, 0xff, 0x0a]), "a\\xff\\n"],
])("visible() shows %s", (_, text, shown) => {
  expect(visible(text)).toBe(shown);
});

test("asUtf8() gives text, or undefined where there is none", () => {
  expect(asUtf8(new Uint8Array([0xc3, 0xa9]))).toBe("é");
  expect(asUtf8(new Uint8Array([0xc3]))).toBeUndefined();
});

test.each<[number | bigint, string]>([
  [0, "0 bytes"],
  [1023, "1023 bytes"],
  [1024, "1 KiB"],
  [1536, "1.5 KiB"],
  [1024n ** 4n, "1 TiB"],
])("formatBytes() writes %p as people do", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});

test("plural() counts a noun", () => {
  expect([0, 1, 2].map((count) => plural(count, "file"))).toEqual(["0 files", "1 file", "2 files"]);
});

test("shellQuote() leaves plain words and quotes the rest", () => {
  expect(["/dev/sda1", "", "a b", "it's"].map(shellQuote)).toEqual([
    "/dev/sda1",
    "''",
    "'a b'",
    "'it'\\''s'",
  ]);
});
