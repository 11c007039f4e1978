/**
 * The command line of every script: one declaration gives flags, strict parsing,
 * help, and exit status.
 *
 * Parsing is node's strict `parseArgs`, built from the declaration; nothing that it
 * doesn't know is forgiven. This is the only importer of consola, which is loaded at
 * the first message: start-up is part of the interface.
 */
import type { ConsolaInstance } from "consola/basic";
import type { ArgsDef, ParsedArgs } from "./cli/args.ts";
import { type CommandLine, readCommandLine } from "./cli/command-line.ts";
import type { Commands } from "./cli/family.ts";
import { renderHelp } from "./cli/help.ts";
import { ClosedPipe, Fault } from "./fault.ts";
import { stdout } from "./host/output.ts";
import { listenToCommands } from "./host/spawn.ts";
import type { Profile } from "./profile.ts";
import { visible } from "./text.ts";
import { VERSION_LINE } from "./version.ts";

/** Operands: the words that are not flags, as the bytes the kernel passed. */
export interface OperandsDefinition {
  /** As in the usage line, such as `PATH`. */
  readonly name: string;
  readonly description: string;
  /** As in the usage line, where it is not `[NAME…]`. */
  readonly usage?: string;
  /** How many there must be, and may be; any number unless given. */
  readonly least?: number;
  readonly most?: number;
}

export interface ScriptDefinition<A extends ArgsDef = ArgsDef> {
  readonly name: string;
  /** One line, no full stop; stands in help, man page and README. */
  readonly summary: string;
  /** Paragraphs for help and man page: what a user must know before running it. */
  readonly description: readonly string[];
  readonly args: A;
  readonly operands?: OperandsDefinition;
  /** "named": it erases, so a profile that was merely found is not taken. */
  readonly profile: "named" | "found" | "none";
  /** What the exit status 1 means here, where it is used. */
  readonly findings?: string;
  run(context: ScriptContext<A>): Promise<number | undefined> | number | undefined;
}

export interface ScriptContext<A extends ArgsDef> {
  readonly args: ParsedArgs<A & typeof commonArgs>;
  readonly operands: readonly Uint8Array[];
  /** Finds, reads and names the profile on stderr; asked for only where it is needed. */
  profile(): Promise<LoadedProfile>;
}

export interface LoadedProfile {
  readonly profile: Profile;
  readonly file: string;
}

export interface Script extends ScriptDefinition {
  /** The flags with those that every script has. */
  readonly args: ArgsDef;
  /** Of a family: what its first word may be. */
  readonly commands?: Commands;
  /** Runs on the words after the name; never throws, returns the exit status. */
  main(words: readonly string[]): Promise<number>;
}

export const commonArgs = {
  help: { type: "boolean", alias: "h", description: "Show this help and exit" },
  version: { type: "boolean", description: "Show the version and exit" },
  quiet: {
    type: "boolean",
    alias: "q",
    description: "Say nothing on stderr but warnings and errors",
  },
  verbose: { type: "boolean", alias: "v", description: "Show each command on stderr as it runs" },
} as const satisfies ArgsDef;

export const profileArgs = {
  profile: { type: "string", valueHint: "FILE", description: "The host profile (TOML)" },
} as const satisfies ArgsDef;

export const jsonArgs = {
  json: { type: "boolean", description: "Print JSON on stdout" },
} as const satisfies ArgsDef;

export const planArgs = {
  "dry-run": { type: "boolean", alias: "n", description: "Print what would be done, do nothing" },
  json: { type: "boolean", description: "With --dry-run: print JSON (plan.schema.json)" },
} as const satisfies ArgsDef;

/** Declares a script; `main()` is what scripts/main.ts and a file run alone call. */
export function defineScript<const A extends ArgsDef>(definition: ScriptDefinition<A>): Script {
  const args = { ...definition.args, ...commonArgs };
  const script: Script = {
    ...(definition as unknown as ScriptDefinition),
    args,
    main: (words) => runGuarded(script, () => start(definition, args, words)),
  };
  return script;
}

/** Runs a script file that was started by itself (`bun scripts/fs-diff.ts`). */
export async function runAlone(script: Script, isMain: boolean): Promise<void> {
  if (isMain) process.exit(await script.main(process.argv.slice(2)));
}

/** Talk for people, on stderr: `say.info`, `say.warn`, `say.success`. */
export const say = {
  info: (text: string) => void (!quiet && talker().info(text)),
  success: (text: string) => void (!quiet && talker().success(text)),
  warn: (text: string) => void talker().warn(text),
  error: (text: string) => void talker().error(text),
};

let quiet = false;
let consola: ConsolaInstance | undefined;

function talker(): ConsolaInstance {
  if (consola === undefined) {
    const { createConsola } = require("consola/basic") as typeof import("consola/basic");
    // consola writes info and success to stdout, and nothing at all under NODE_ENV=test.
    consola = createConsola({ level: 3, stdout: process.stderr, stderr: process.stderr });
  }
  return consola;
}

async function start<A extends ArgsDef>(
  definition: ScriptDefinition<A>,
  args: ArgsDef,
  words: readonly string[],
): Promise<number> {
  const line = readCommandLine(definition.name, args, definition.operands, words);
  if (line.flags.has("help")) {
    stdout.write(renderHelp({ ...definition, args }));
    return 0;
  }
  if (line.flags.has("version")) {
    stdout.line(VERSION_LINE);
    return 0;
  }
  quiet = line.flags.has("quiet");
  if (line.flags.has("verbose"))
    listenToCommands((argv) => say.info(`+ ${visible(argv.join(" "))}`));
  const status = await definition.run({
    args: given(line) as ParsedArgs<A & typeof commonArgs>,
    operands: line.operands,
    profile: () => loadProfileFor(definition, line.values.get("profile")),
  });
  return status ?? 0;
}

function given({ flags, values }: CommandLine): Record<string, string | true> {
  return Object.fromEntries([...values, ...[...flags].map((flag) => [flag, true] as const)]);
}

async function loadProfileFor(
  definition: Pick<ScriptDefinition, "profile">,
  flag: string | undefined,
): Promise<LoadedProfile> {
  const { loadProfile } = await import("./host/profile.ts");
  const mode = definition.profile === "named" ? "named" : "found";
  const loaded = loadProfile({ flag, env: process.env.BLANKROOT_PROFILE, mode });
  say.info(`profile: ${visible(loaded.file)}`);
  return loaded;
}

/** What main.ts does beside the scripts, with the same statuses and words. */
export function guarded(body: () => Promise<number>): Promise<number> {
  return runGuarded({ name: "blankroot" }, body);
}

/** Turns whatever happens into an exit status and, on stderr, words. */
export async function runGuarded(
  script: Pick<ScriptDefinition, "name" | "findings">,
  body: () => Promise<number>,
): Promise<number> {
  try {
    const status = await body();
    stdout.flush();
    return status;
  } catch (error) {
    // What was read already was true; status 1 where printing means a finding.
    if (error instanceof ClosedPipe) return script.findings === undefined ? 0 : 1;
    return report(script.name, error);
  }
}

function report(name: string, error: unknown): number {
  if (error instanceof Fault) {
    const hint = error.hint === undefined ? "" : `\n  ${error.hint}`;
    say.error(`${name}: ${error.message}${hint}`);
    return error.status;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say.error(
    `${name}: a fault in blankroot itself, the output may be incomplete:\n${visible(text)}`,
  );
  return 4;
}
