/**
 * Bytes as a string, one character a byte: what paths are compared and kept by
 * where they need not be UTF-8. mountinfo is read in this form too.
 */
export function latin1(bytes: Uint8Array): string {
  return slice.call(bytes, 0, bytes.length);
}

/** The same of a part, without an array of its own for that. */
export function latin1Part(bytes: Uint8Array, start: number, end = bytes.length): string {
  return slice.call(bytes, start, end);
}

/** The directory of an absolute path; empty for what lies in the root itself. */
export function latin1OfParent(path: Uint8Array): string {
  return latin1Part(path, 0, path.lastIndexOf(SLASH));
}

const SLASH = 0x2f;
/** What toString("latin1") calls, without the Buffer around each of thousands of paths. */
const slice = (Buffer.prototype as unknown as { latin1Slice(start: number, end: number): string })
  .latin1Slice;

/** The same of text: its UTF-8 bytes. */
export function latin1OfText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Back to text; bytes that are not UTF-8 become U+FFFD, and equal nothing. */
export function textOfLatin1(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
