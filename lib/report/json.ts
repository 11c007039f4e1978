/** JSON that a terminal can be shown, with paths that are bytes. */
import { asUtf8 } from "../text.ts";

/** What `visible()` escapes beyond what JSON does by itself. */
const UNSAFE = /[\u007f-\u009f\u200e\u200f\u202a-\u202e\u2066-\u2069]/g;

/** JSON of a value, in which nothing can drive a terminal; the same value when read. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(
    UNSAFE,
    (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, "0")}`,
  );
}

/** A path as text, and in base64 where its bytes are not UTF-8. */
export function pathFields(path: Uint8Array): { path: string; path_bytes?: string } {
  const text = asUtf8(path);
  if (text !== undefined) return { path: text };
  return {
    path: new TextDecoder().decode(path),
    path_bytes: Buffer.from(path).toString("base64"),
  };
}
