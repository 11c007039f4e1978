/**
 * Bytes as a string, one character a byte: what paths are compared and kept by
 * where they need not be UTF-8. mountinfo is read in this form too.
 */
export function latin1(bytes: Uint8Array): string {
  return slice.call(bytes, 0, bytes.length);
}

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
