/**
 * The `ignore` patterns: which paths are seen and let go.
 *
 * Matching runs over all states of the pattern at once and never goes back, so its
 * cost is bounded by pattern times path whatever either holds. Paths are bytes; a
 * character is a sequence of valid UTF-8, or one byte that is none.
 *
 * `?` is one character of a name, `*` any number of them, `**` also crosses `/`
 * and a whole name of it (between two slashes) may be no name at all. A backslash
 * takes the next character as it is. A pattern that matches a directory lets go
 * all beneath it.
 */
import { pathFault } from "./paths.ts";

export type Matcher = (path: Uint8Array) => boolean;

/** Compiles patterns (each without fault) into one matcher of absolute paths. */
export function compileIgnore(patterns: readonly string[]): Matcher {
  const compiled = patterns.map(compile);
  return (path) => compiled.some((pattern) => matches(pattern, path));
}

/** Compiles them into what tells whether anything at all in a directory may be ignored. */
export function compileIgnoreIn(patterns: readonly string[]): Matcher {
  const compiled = patterns.map(compile);
  if (compiled.length === 0) return () => false;
  return (directory) => {
    const below = new Uint8Array(directory.length + 1);
    below.set(directory);
    below[directory.length] = SLASH;
    return compiled.some(({ tokens }) => run(tokens, directory) || alive(tokens, below));
  };
}

/** Compiles a pattern of any bytes, for other uses of the same patterns. */
export function compileBytes(pattern: Uint8Array): Pattern {
  return compileCharacters(charactersOf(pattern));
}

/** What is wrong with a pattern, or undefined. */
export function ignorePatternFault(pattern: string): string | undefined {
  if (/(?:^|[^\\])(?:\\\\)*\\$/.test(pattern))
    return "expected a character after the last backslash";
  if (pattern === "/") return "expected a pattern below /";
  return pathFault(pattern);
}

/** Whether some path is both ignored by the pattern and equal to `path`, or beneath it. */
export function overlaps(pattern: string, path: string, beneath: boolean): boolean {
  const tokens = compile(pattern).tokens;
  const bytes = new TextEncoder().encode(path);
  if (run(tokens, bytes)) return true;
  // A pattern that is still alive after `path/` is completed by some path beneath.
  return beneath && alive(tokens, new TextEncoder().encode(`${path}/`));
}

/** A character to be equal to, or what stands for others. */
export type Token = number | "one" | "some" | "any" | "names";

export interface Pattern {
  readonly tokens: readonly Token[];
  /** The bytes before the first wildcard: most paths are told apart by these alone. */
  readonly head: Uint8Array;
}

const SLASH = 0x2f;
const BACKSLASH = 0x5c;
const QUESTION_MARK = 0x3f;
const ASTERISK = 0x2a;
/** A byte that is no UTF-8 counts as a character behind all others. */
export const LONE_BYTES = 0x110000;

function compile(pattern: string): Pattern {
  return compileCharacters(Array.from(pattern, (character) => character.codePointAt(0)!));
}

function compileCharacters(characters: readonly number[]): Pattern {
  const tokens: Token[] = [];
  for (let i = 0; i < characters.length; i++) {
    const character = characters[i]!;
    if (character === BACKSLASH) tokens.push(characters[++i]!);
    else if (character === QUESTION_MARK) tokens.push("one");
    else if (character !== ASTERISK) tokens.push(character);
    else if (characters[i + 1] !== ASTERISK) tokens.push("some");
    else {
      const whole = characters[i - 1] === SLASH;
      while (characters[i + 1] === ASTERISK) i++;
      // `/**/`: the slash behind it belongs to it, so that it may stand for nothing.
      if (!whole || characters[i + 1] !== SLASH) tokens.push("any");
      else {
        i++;
        if (tokens.at(-1) !== "names") tokens.push("names");
      }
    }
  }
  const literal = tokens.findIndex((token) => typeof token !== "number");
  const head = tokens.slice(0, literal === -1 ? tokens.length : literal) as number[];
  return { tokens, head: bytesOf(head) };
}

function charactersOf(bytes: Uint8Array): number[] {
  const characters: number[] = [];
  for (let offset = 0; offset < bytes.length; ) {
    const [character, length] = characterAt(bytes, offset);
    characters.push(character);
    offset += length;
  }
  return characters;
}

/** The bytes of characters up to the first that is a byte alone. */
export function bytesOf(characters: readonly number[]): Uint8Array {
  const alone = characters.findIndex((character) => character >= LONE_BYTES);
  const whole = alone === -1 ? characters : characters.slice(0, alone);
  return new TextEncoder().encode(String.fromCodePoint(...whole));
}

function matches(pattern: Pattern, path: Uint8Array): boolean {
  const { head, tokens } = pattern;
  if (path.length < head.length) return false;
  for (let i = head.length - 1; i >= 0; i--) if (path[i] !== head[i]) return false;
  return run(tokens, path);
}

/** Whether the tokens match the path or a directory above it. */
function run(tokens: readonly Token[], path: Uint8Array): boolean {
  let states = start(tokens);
  for (let offset = 0; offset < path.length && states.size > 0; ) {
    const [character, length] = characterAt(path, offset);
    if (character === SLASH && states.has(tokens.length)) return true;
    states = step(tokens, states, character);
    offset += length;
  }
  return states.has(tokens.length);
}

function alive(tokens: readonly Token[], path: Uint8Array): boolean {
  let states = start(tokens);
  for (let offset = 0; offset < path.length; ) {
    const [character, length] = characterAt(path, offset);
    states = step(tokens, states, character);
    offset += length;
  }
  return states.size > 0;
}

function start(tokens: readonly Token[]): Set<number> {
  const states = new Set<number>();
  enter(tokens, states, 0);
  return states;
}

function step(tokens: readonly Token[], states: ReadonlySet<number>, character: number) {
  const next = new Set<number>();
  for (const state of states) {
    const token = tokens[state];
    if (token === character) enter(tokens, next, state + 1);
    else if (token === "one" && character !== SLASH) enter(tokens, next, state + 1);
    else if (token === "some" && character !== SLASH) enter(tokens, next, state);
    else if (token === "any") enter(tokens, next, state);
    else if (token === "names") {
      // Only a slash ends the names; until then we are within one.
      next.add(state);
      if (character === SLASH) enter(tokens, next, state + 1);
    }
  }
  return next;
}

/** Adds a state, and those behind it that take no character to reach. */
function enter(tokens: readonly Token[], states: Set<number>, state: number): void {
  states.add(state);
  const token = tokens[state];
  if (token === "some" || token === "any" || token === "names") enter(tokens, states, state + 1);
}

/** The character at an offset and its length. */
export function characterAt(bytes: Uint8Array, offset: number): [number, number] {
  const first = bytes[offset]!;
  if (first < 0x80) return [first, 1];
  const length = sequenceLength(first);
  let code = first & (0x7f >> length);
  for (let i = 1; i < length; i++) {
    const byte = bytes[offset + i] ?? 0;
    if ((byte & 0xc0) !== 0x80) return [LONE_BYTES + first, 1];
    code = (code << 6) | (byte & 0x3f);
  }
  const least = [0, 0, 0x80, 0x800, 0x10000][length]!;
  const valid = length > 1 && code >= least && code <= 0x10ffff && (code & ~0x7ff) !== 0xd800;
  return valid ? [code, length] : [LONE_BYTES + first, 1];
}

function sequenceLength(first: number): number {
  if (first < 0xc2 || first > 0xf4) return 1;
  return first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
}
