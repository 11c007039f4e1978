/**
 * Bytes and people: how names from a disk become text that can be read safely.
 *
 * File names, labels and serial numbers are bytes from elsewhere. On a terminal
 * they could move the cursor or retitle the window, so whatever is meant for
 * eyes goes through `visible()`; what is meant for programs stays bytes.
 */
const strictUtf8 = new TextDecoder("utf-8", { fatal: true });

/**
 * Text in which nothing can drive a terminal or hide: control characters and bad
 * UTF-8 as `\xNN`, invisible ones as `\uNNNN` or `\u{NNNNN}`.
 */
export function visible(text: string | Uint8Array): string {
  return escapeControls(typeof text === "string" ? text : decodeLossless(text));
}

/** The bytes as text, or undefined where they are not UTF-8. */
export function asUtf8(bytes: Uint8Array): string | undefined {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return undefined;
  }
}

/** A number of bytes as people write them: exact in its unit, or with one decimal. */
export function formatBytes(bytes: number | bigint): string {
  const value = Number(bytes);
  const units = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];
  let power = 0;
  while (power < units.length - 1 && value >= 1024 ** (power + 1)) power++;
  const scaled = value / 1024 ** power;
  if (value === 1) return "1 byte";
  // A bigint may be more than a double tells.
  const isExact = Number.isInteger(scaled) && (bytes === value || bytes === BigInt(value));
  return isExact ? `${scaled} ${units[power]}` : `${scaled.toFixed(1)} ${units[power]}`;
}

/** `1 file`, `2 files`: a count with its noun. */
export function plural(count: number, noun: string): string {
  return `${count} ${count === 1 ? noun : `${noun}s`}`;
}

/** Quotes one word for sh. Single quotes take every byte but NUL as it is. */
export function shellQuote(word: string): string {
  return /^[A-Za-z0-9_@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}

function decodeLossless(bytes: Uint8Array): string {
  const text = asUtf8(bytes);
  if (text !== undefined) return text;
  let out = "";
  for (const byte of bytes) {
    out += byte < 0x80 ? String.fromCharCode(byte) : `\\x${byte.toString(16).padStart(2, "0")}`;
  }
  return out;
}

function escapeControls(text: string): string {
  // Controls, and what is not seen: format characters (overrides of direction, no
  // width, tags) and the separators of lines and paragraphs make a name read as another.
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (char) => {
    if (char === "\n") return "\\n";
    if (char === "\t") return "\\t";
    const digits = char.codePointAt(0)!.toString(16);
    if (digits.length <= 2) return `\\x${digits.padStart(2, "0")}`;
    return digits.length <= 4 ? `\\u${digits.padStart(4, "0")}` : `\\u{${digits}}`;
  });
}
