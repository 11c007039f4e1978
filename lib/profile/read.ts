/**
 * From the bytes of a profile to its value, or to all that is wrong with it.
 *
 * `@iarna/toml` reads (lists that mix paths and tables included); its positions are
 * of where it noticed, from line zero, and of values it keeps none, so where there
 * is an error the text goes through a second parser that knows its places.
 */
import { parse } from "@iarna/toml";
import { UsageFault } from "../fault.ts";
import { checkProfile, type Profile } from "../profile.ts";
import { visible } from "../text.ts";
import { keyText, type ProfileFault } from "./fault.ts";
import type { Position } from "./positions.ts";

const FAULTS_SHOWN = 50;

/**
 * @param file the name that errors give
 * @throws UsageFault listing every fault with file, line, column and key
 */
export function readProfile(file: string, bytes: Uint8Array): Profile {
  const text = decode(file, bytes);
  let value: object;
  try {
    value = parse(text);
  } catch (error) {
    throw syntaxFault(file, text, error as Error & { line?: number; col?: number });
  }
  const checked = checkProfile(value);
  if ("profile" in checked) return checked.profile;
  throw contentFault(file, text, checked.faults);
}

function decode(file: string, bytes: Uint8Array): string {
  if (bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf) {
    throw failed(file, [[{ line: 1, column: 1 }, "begins with a byte order mark, expected none"]]);
  }
  const nul = bytes.indexOf(0);
  if (nul !== -1) {
    throw failed(file, [[positionOf(bytes, nul), "holds a NUL byte, expected text"]]);
  }
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
  } catch {
    const at = positionOf(bytes, firstInvalid(bytes));
    throw failed(file, [[at, "is not UTF-8 here, expected UTF-8"]]);
  }
}

/** The offset of the first byte that begins no UTF-8: what decodes before it decodes alone. */
function firstInvalid(bytes: Uint8Array): number {
  const lenient = new TextDecoder("utf-8").decode(bytes);
  for (let from = 0; ; from++) {
    from = lenient.indexOf("\ufffd", from);
    const offset = Buffer.byteLength(lenient.slice(0, from));
    // A U+FFFD that the file really holds is three bytes of its own.
    const real = bytes[offset] === 0xef && bytes[offset + 1] === 0xbf && bytes[offset + 2] === 0xbd;
    if (!real) return offset;
  }
}

function positionOf(bytes: Uint8Array, offset: number): Position {
  const before = Buffer.from(bytes.subarray(0, offset)).toString("utf8").split("\n");
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

function syntaxFault(
  file: string,
  text: string,
  error: Error & { line?: number; col?: number },
): UsageFault {
  const found = positions(text).syntaxError;
  const noticed = { line: (error.line ?? 0) + 1, column: (error.col ?? 0) + 1 };
  const first = error.message.split("\n")[0]!.split(" at row ")[0]!;
  // Of a value left out, one parser tells its own line and the other the next.
  if (found === undefined || noticed.line < found.line)
    return failed(file, [[noticed, sentence(first)]]);
  return failed(file, [[found, sentence(found.message)]]);
}

function contentFault(file: string, text: string, faults: readonly ProfileFault[]): UsageFault {
  const places = positions(text);
  if (places.syntaxError !== undefined) {
    return failed(file, [[places.syntaxError, sentence(places.syntaxError.message)]]);
  }
  const lines = faults.map(({ path, message, atKey }): [Position, string] => [
    places.find(path, atKey ?? false),
    `${keyText(path)}: ${message}`,
  ]);
  lines.sort(([a], [b]) => a.line - b.line || a.column - b.column);
  return failed(file, lines);
}

function positions(text: string) {
  const { Positions } = require("./positions.ts") as typeof import("./positions.ts");
  return new Positions(text);
}

function sentence(message: string): string {
  return `not TOML: ${message.charAt(0).toLowerCase()}${message.slice(1)}`;
}

/** One fault stands in the sentence itself, more stand below it. */
function failed(file: string, faults: readonly (readonly [Position, string])[]): UsageFault {
  const lines = faults
    .slice(0, FAULTS_SHOWN)
    .map(([{ line, column }, text]) => visible(`${file}:${line}:${column}: ${text}`));
  if (lines.length === 1) return new UsageFault(`Cannot use the profile: ${lines[0]}`);
  const rest = faults.length - lines.length;
  if (rest > 0) lines.push(`and ${rest} more`);
  return new UsageFault(
    [`Cannot use the profile ${visible(file)}: ${faults.length} faults`, ...lines].join("\n  "),
  );
}
