/**
 * From the bytes of a profile to its value, or to all that is wrong with it.
 *
 * smol-toml reads: its tables inherit nothing, so that a user may be called
 * `constructor`, and a number that would be rounded is an error. It keeps no
 * positions of values, so where one is wrong the text goes through a second parser.
 */
import { parse, TomlError } from "smol-toml";
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
    if (!(error instanceof TomlError)) throw error;
    throw syntaxFault(file, text, error);
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

/** Only the first line of the parser's message: below it is the text, and there may be secrets. */
function syntaxFault(file: string, text: string, error: TomlError): UsageFault {
  const { line, column, message } = error;
  const reason = message.split("\n")[0]!.replace(/^Invalid TOML document: |\.$/g, "");
  const atLineEnd = /^\r?$/.test(text.split("\n")[line - 1]?.slice(column - 1) ?? "");
  return failed(file, [[{ line, column }, `not TOML: ${plainer(reason, atLineEnd)}`]]);
}

/** Two of the parser's reasons tell what it met, and not what the writer forgot. */
function plainer(reason: string, atLineEnd: boolean): string {
  if (reason === "invalid value") {
    return atLineEnd ? "a value is missing" : "invalid value, expected text in quotes or a number";
  }
  const newline = reason === "control characters are not allowed in strings" && atLineEnd;
  return newline ? "the string has no closing quote on its line" : reason;
}

function contentFault(file: string, text: string, faults: readonly ProfileFault[]): UsageFault {
  const places = positions(text);
  if (places.syntaxError !== undefined) {
    return failed(file, [[places.syntaxError, `not TOML: ${places.syntaxError.message}`]]);
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
