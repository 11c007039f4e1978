/**
 * The words of a command line, checked strictly against the declared flags.
 *
 * Operands are paths, and paths are bytes: the runtime has turned bytes that are
 * not UTF-8 into U+FFFD by the time we see them, so they are taken again from
 * /proc/self/cmdline, by their place counted from the end.
 */
import { parseArgs } from "node:util";
import { UsageFault } from "../fault.ts";
import { rawArguments } from "../host/arguments.ts";
import { nearest } from "../nearest.ts";
import { visible } from "../text.ts";
import type { ArgsDef } from "./args.ts";
import { shortFlag } from "./help.ts";

export interface CommandLine {
  /** Boolean flags that were given. */
  readonly flags: ReadonlySet<string>;
  readonly values: ReadonlyMap<string, string>;
  readonly operands: readonly Uint8Array[];
}

interface Operands {
  readonly name: string;
  readonly usage?: string;
  readonly least?: number;
  readonly most?: number;
}

/** @throws UsageFault naming the word, and the nearest flag where one is near */
export function readCommandLine(
  name: string,
  args: ArgsDef,
  operands: Operands | undefined,
  words: readonly string[],
): CommandLine {
  const { tokens } = parse(name, args, words);
  const flags = new Set<string>();
  const values = new Map<string, string>();
  const operandWords: number[] = [];
  for (const token of tokens) {
    if (token.kind === "positional") operandWords.push(token.index);
    if (token.kind !== "option") continue;
    if (flags.has(token.name) || values.has(token.name)) {
      throw usage(name, `--${token.name} is given twice, expected once`);
    }
    if (token.value === undefined) flags.add(token.name);
    else values.set(token.name, checkedValue(name, args, token.name, token.value));
  }
  if (operands === undefined && operandWords.length > 0) {
    throw usage(name, `unexpected word "${visible(words[operandWords[0]!]!)}"`);
  }
  // Whoever asks for help need not know what else there must be.
  const asks = flags.has("help") || flags.has("version");
  if (!asks)
    requireCount(name, operands, operandWords.length, (index) => words[operandWords[index]!]!);
  return { flags, values, operands: operandBytes(words, operandWords) };
}

function requireCount(
  name: string,
  operands: Operands | undefined,
  count: number,
  word: (index: number) => string,
): void {
  const { usage: wanted, least = 0, most = Number.POSITIVE_INFINITY } = operands ?? {};
  if (count < least) throw usage(name, `too few words, expected ${wanted}`);
  if (count > most) throw usage(name, `unexpected word "${visible(word(most))}"`);
}

function parse(name: string, args: ArgsDef, words: readonly string[]) {
  const options: Record<string, { type: "boolean" | "string"; short?: string }> = {};
  for (const [flag, definition] of Object.entries(args)) {
    const short = shortFlag(definition);
    const type = definition.type === "boolean" ? "boolean" : "string";
    options[flag] = short === undefined ? { type } : { type, short };
  }
  try {
    return parseArgs({
      args: [...words],
      options,
      strict: true,
      allowPositionals: true,
      tokens: true,
    });
  } catch (error) {
    throw usage(name, explain(error as Error, Object.keys(options)));
  }
}

function explain(error: Error, known: readonly string[]): string {
  const flag = /Unknown option '(-[^']*)'/.exec(error.message)?.[1];
  const lone = /Option '(?:-\w, )?(--[\w-]+)[^']*' argument (?:is ambiguous|missing)/.exec(
    error.message,
  );
  if (lone !== null) return `${lone[1]} has no value, expected ${lone[1]}=VALUE`;
  if (flag === undefined)
    return visible(error.message.split(/\.\s/)[0]!.replace(/^Option/, "option"));
  const near = nearest(flag.replace(/^-+/, ""), known);
  return `unknown flag ${visible(flag)}${near === undefined ? "" : `, did you mean --${near}?`}`;
}

function checkedValue(name: string, args: ArgsDef, flag: string, value: string): string {
  const definition = args[flag];
  if (value === "") throw usage(name, `--${flag} is empty, expected a value`);
  if (definition?.type === "enum" && !definition.options?.includes(value)) {
    throw usage(
      name,
      `--${flag} is "${visible(value)}", expected ${definition.options?.join(" or ")}`,
    );
  }
  return value;
}

function operandBytes(words: readonly string[], indexes: readonly number[]): Uint8Array[] {
  const encoder = new TextEncoder();
  const needRaw = indexes.some((index) => words[index]!.includes("\ufffd"));
  const raw = needRaw ? rawArguments(words.length) : undefined;
  return indexes.map((index) => raw?.[index] ?? encoder.encode(words[index]!));
}

function usage(name: string, detail: string): UsageFault {
  return new UsageFault(`Cannot run: ${detail}`, { hint: `${name} --help shows what there is` });
}
