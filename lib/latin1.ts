/**
 * Bytes as a string, one character a byte: what paths are compared and kept by
 * where they need not be UTF-8. mountinfo is read in this form too.
 */
export function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString("latin1");
}

/** The same of text: its UTF-8 bytes. */
export function latin1OfText(text: string): string {
  return Buffer.from(text, "utf8").toString("latin1");
}

/** Back to text; bytes that are not UTF-8 become U+FFFD, and equal nothing. */
export function textOfLatin1(bytes: string): string {
  return Buffer.from(bytes, "latin1").toString("utf8");
}
