/**
 * Patterns of find: those of persist.ignore, but for a path itself and not what lies
 * beneath. One without a slash is for a name in any directory, one that doesn't begin
 * with a slash for the end of a path.
 *
 * Millions of names are held against them, most of which don't match: what is
 * literal at either end is looked at first, names are read where they lie, and
 * nothing is allocated.
 */
import { UsageFault } from "./fault.ts";
import { bytesOf, characterAt, compileBytes, LONE_BYTES, type Token } from "./profile/ignore.ts";
import { visible } from "./text.ts";

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const ANYWHERE = new TextEncoder().encode("/**/");

export class Glob {
  /** What is to be held against the pattern: a name alone costs less than its path. */
  readonly of: "name" | "path";
  readonly #tokens: readonly Token[];
  /** What a match must begin and end with. */
  readonly #head: Uint8Array;
  readonly #tail: Uint8Array;
  /** The states of a match, one for each token and the last; used again. */
  #states: Uint8Array;
  #next: Uint8Array;

  /** @throws UsageFault for a pattern that can match nothing */
  constructor(pattern: Uint8Array) {
    refuseVain(pattern);
    this.of = pattern.includes(SLASH) ? "path" : "name";
    const isWhole = this.of === "name" || pattern[0] === SLASH;
    const { head, tokens } = compileBytes(isWhole ? pattern : Buffer.concat([ANYWHERE, pattern]));
    this.#head = head;
    this.#tail = tailOf(tokens);
    this.#tokens = tokens;
    this.#states = new Uint8Array(tokens.length + 1);
    this.#next = new Uint8Array(tokens.length + 1);
  }

  /** Whether bytes from an offset to another, a name or an absolute path, match. */
  matches(bytes: Uint8Array, from = 0, to = bytes.length): boolean {
    const head = this.#head;
    const tail = this.#tail;
    if (to - from < head.length || to - from < tail.length) return false;
    for (let i = 0; i < head.length; i++) if (bytes[from + i] !== head[i]) return false;
    const end = to - tail.length;
    for (let i = 0; i < tail.length; i++) if (bytes[end + i] !== tail[i]) return false;
    return this.#run(bytes, from, to);
  }

  #run(bytes: Uint8Array, from: number, to: number): boolean {
    const last = this.#tokens.length;
    this.#states.fill(0);
    this.#enter(this.#states, 0);
    for (let offset = from; offset < to; ) {
      const first = bytes[offset]!;
      if (first < 0x80) {
        this.#step(first);
        offset++;
        continue;
      }
      const [character, length] = characterAt(bytes, offset);
      // Behind the name lies another one, which a character cut short would take for its rest.
      const isCut = offset + length > to;
      this.#step(isCut ? LONE_BYTES + first : character);
      offset += isCut ? 1 : length;
    }
    return this.#states[last] === 1;
  }

  #step(character: number): void {
    const tokens = this.#tokens;
    const states = this.#states;
    const next = this.#next;
    next.fill(0);
    for (let state = 0; state < tokens.length; state++) {
      if (states[state] === 0) continue;
      const token = tokens[state];
      if (token === character) this.#enter(next, state + 1);
      else if (token === "one" && character !== SLASH) this.#enter(next, state + 1);
      else if (token === "some" && character !== SLASH) this.#enter(next, state);
      else if (token === "any") this.#enter(next, state);
      else if (token === "names") {
        // Only a slash ends the names; until then we are within one.
        next[state] = 1;
        if (character === SLASH) this.#enter(next, state + 1);
      }
    }
    this.#states = next;
    this.#next = states;
  }

  /** Adds a state, and those behind it that take no character to reach. */
  #enter(states: Uint8Array, from: number): void {
    for (let state = from; ; state++) {
      states[state] = 1;
      const token = this.#tokens[state];
      if (token !== "some" && token !== "any" && token !== "names") return;
    }
  }
}

/** Whether any of the globs matches. @param path absolute */
export function matchesAny(globs: readonly Glob[], path: Uint8Array): boolean {
  const name = path.lastIndexOf(SLASH) + 1;
  for (const glob of globs) if (glob.matches(path, glob.of === "name" ? name : 0)) return true;
  return false;
}

/** The literal end, where there is a wildcard before it; all of what has none is its head. */
function tailOf(tokens: readonly Token[]): Uint8Array {
  const wildcard = tokens.findLastIndex((token) => typeof token !== "number");
  const literal = tokens.slice(wildcard + 1) as number[];
  const bytes = bytesOf(literal);
  // A byte that is no UTF-8 cuts it short, and what is cut there is no end.
  return wildcard === -1 || literal.some((character) => character >= LONE_BYTES)
    ? new Uint8Array()
    : bytes;
}

function refuseVain(pattern: Uint8Array): void {
  if (pattern.length === 0) throw fault(pattern, "empty, expected a pattern");
  if (pattern.includes(0)) throw fault(pattern, "one with a NUL, which no path has");
  if (endsOpen(pattern)) throw fault(pattern, "one that ends with a lone backslash");
  if (pattern.length > 1 && pattern.at(-1) === SLASH) {
    throw fault(pattern, "one that ends with a slash, which no path does");
  }
}

function endsOpen(pattern: Uint8Array): boolean {
  let count = 0;
  while (pattern.at(-1 - count) === BACKSLASH) count++;
  return count % 2 === 1;
}

function fault(pattern: Uint8Array, what: string): UsageFault {
  return new UsageFault(`Cannot find "${visible(pattern)}": the pattern is ${what}`, {
    hint: "* and ? stand for what is in one name, ** for any part of a path, a backslash takes the next character as it is",
  });
}
