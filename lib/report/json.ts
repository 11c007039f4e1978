/** JSON that a terminal can be shown, with paths that are bytes. */
import type { Exact } from "../exact.ts";
import { asUtf8 } from "../text.ts";

/** What `visible()` escapes beyond what JSON does by itself. */
const UNSAFE = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu;

declare global {
  interface JSON {
    /** Stands for a text of JSON in a value that is turned into it. */
    rawJSON(text: string): object;
  }
}

/** All digits: what reads numbers as doubles rounds, others don't. */
export function jsonNumber(value: Exact): number | object {
  return typeof value === "number" ? value : JSON.rawJSON(String(value));
}

/** JSON of a value, in which nothing can drive a terminal; the same value when read. */
export function toJson(value: unknown, indent?: number): string {
  return JSON.stringify(value, undefined, indent).replace(UNSAFE, (char) =>
    // The line ends of an indented text are JSON's own.
    char === "\n"
      ? char
      : Array.from({ length: char.length }, (_, at) => escaped(char, at)).join(""),
  );
}

/** JSON escapes units of UTF-16. */
function escaped(text: string, at: number): string {
  return `\\u${text.charCodeAt(at).toString(16).padStart(4, "0")}`;
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
