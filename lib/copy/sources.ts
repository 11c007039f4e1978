/** Which paths are to be copied: words, lines of stdin, or the profile's lists. */

import { UsageFault } from "../fault.ts";
import { latin1 } from "../latin1.ts";
import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { visible } from "../text.ts";

const SLASH = 0x2f;

/**
 * @param read gives all of stdin, and is called for a lone "-" only
 * @param separator what ends a path on stdin
 * @returns undefined where no word was given
 * @throws UsageFault for a path that is not absolute and normal, or a line that names nothing
 */
export function namedPaths(
  operands: readonly Uint8Array[],
  read: () => Uint8Array,
  separator: "\n" | "\0",
): Uint8Array[] | undefined {
  const usesStdin = operands.some(isDash);
  if (separator === "\0" && !usesStdin) {
    throw new UsageFault("Cannot copy: -0 is about paths on stdin, expected - with it");
  }
  if (operands.length === 0) return undefined;
  const words = operands.filter((operand) => !isDash(operand));
  const lines = usesStdin ? split(read(), separator.charCodeAt(0)) : [];
  return [...words.map((word) => checked(word, "an argument")), ...lines];
}

/** The paths that the profile lists, as bytes and as text. */
export function listedPaths(profile: Profile): Array<{ text: string; bytes: Uint8Array }> {
  const { directories, files, root } = profile.persist;
  return [...directories, ...files]
    .filter(({ path }) => !isWithin(path, root))
    .map(({ path }) => ({ text: path, bytes: new TextEncoder().encode(path) }));
}

function split(bytes: Uint8Array, separator: number): Uint8Array[] {
  const paths: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; ) {
    const found = bytes.indexOf(separator, start);
    const end = found === -1 ? bytes.length : found;
    paths.push(checked(bytes.subarray(start, end), `line ${paths.length + 1} of stdin`));
    start = end + 1;
  }
  return paths;
}

function checked(path: Uint8Array, where: string): Uint8Array {
  if (path.length === 0) throw new UsageFault(`Cannot copy: ${where} is empty, expected a path`);
  const trimmed = withoutTrailingSlash(path);
  const names = latin1(trimmed).split("/").slice(1);
  const isNormal = names.every((name) => name !== "" && name !== "." && name !== "..");
  if (trimmed[0] === SLASH && isNormal && !trimmed.includes(0)) return trimmed;
  const wanted =
    trimmed.length === 0
      ? "expected a path below the root, not all of it"
      : 'expected an absolute path without "." and ".."';
  throw new UsageFault(`Cannot copy: ${where} is "${visible(path)}", ${wanted}`);
}

function withoutTrailingSlash(path: Uint8Array): Uint8Array {
  let end = path.length;
  while (end > 0 && path[end - 1] === SLASH) end--;
  return path.subarray(0, end);
}

function isDash(word: Uint8Array): boolean {
  return word.length === 1 && word[0] === 0x2d;
}
