/**
 * A script of several commands: `old-roots list`, `old-roots prune`.
 *
 * Each command is a script of its own, with its own flags, operands and help, so
 * there is one way to declare, parse and describe. The family only takes the first
 * word, which must be a command's name, and hands over the rest; a command is
 * imported when it is run.
 */
import { commonArgs, runGuarded, type Script } from "../cli.ts";
import { UsageFault } from "../fault.ts";
import { stdout } from "../host/output.ts";
import { nearest } from "../nearest.ts";
import { visible } from "../text.ts";
import { VERSION_LINE } from "../version.ts";
import { readCommandLine } from "./command-line.ts";
import { wrap } from "./wrap.ts";

export type Commands = Readonly<Record<string, () => Promise<{ default: Script }>>>;

export interface FamilyDefinition {
  readonly name: string;
  /** One line, no full stop; stands in help, man page and README. */
  readonly summary: string;
  readonly description: readonly string[];
  /** By the word that calls it; the script's own name has the family's before it. */
  readonly commands: Commands;
}

const familyArgs = { help: commonArgs.help, version: commonArgs.version };
const NAME_COLUMNS = 12;
const WIDTH_COLUMNS = 80;

/** Declares a script of several commands. */
export function defineFamily(family: FamilyDefinition): Script {
  return {
    ...family,
    args: familyArgs,
    profile: "none",
    run: () => 0,
    main: (words) => runGuarded(family, () => startCommand(family, words)),
  };
}

async function startCommand(family: FamilyDefinition, words: readonly string[]): Promise<number> {
  const [word, ...rest] = words;
  const { name } = family;
  if (word === "--help" || word === "-h" || word === "--version") {
    const { flags } = readCommandLine(name, familyArgs, undefined, words);
    if (flags.has("help")) stdout.write(await renderFamilyHelp(family));
    else stdout.line(VERSION_LINE);
    return 0;
  }
  const command = (await family.commands[commandOf(family, word)]!()).default;
  return command.main(rest);
}

/** The command that the first word names. @throws UsageFault where it names none */
function commandOf({ name, commands }: FamilyDefinition, word: string | undefined): string {
  if (word !== undefined && Object.hasOwn(commands, word)) return word;
  const names = Object.keys(commands);
  const hint = `${name} --help shows what each does`;
  const wanted = `expected one of ${names.join(", ")}`;
  if (word === undefined)
    throw new UsageFault(`Cannot run: no command is given, ${wanted}`, { hint });
  if (word.startsWith("-")) {
    throw new UsageFault(
      `Cannot run: ${visible(word)} stands before the command, ${wanted} first`,
      {
        hint: `Flags belong to a command: ${name} ${names[0]} ${visible(word)}`,
      },
    );
  }
  const near = nearest(word, names);
  const guess = near === undefined ? wanted : `did you mean ${near}?`;
  throw new UsageFault(`Cannot run: no command "${visible(word)}", ${guess}`, { hint });
}

/** The commands, loaded, in the order of their declaration. */
export async function commandsOf({ commands = {} }: Pick<Script, "commands">): Promise<Script[]> {
  const modules = await Promise.all(Object.values(commands).map((load) => load()));
  return modules.map((module) => module.default);
}

async function renderFamilyHelp(family: FamilyDefinition): Promise<string> {
  const { name, summary, description, commands } = family;
  const loaded = await commandsOf({ commands });
  const lines = Object.keys(commands).flatMap((word, index) => {
    const text = wrap(loaded[index]!.summary, WIDTH_COLUMNS - NAME_COLUMNS);
    const indent = " ".repeat(NAME_COLUMNS);
    return text.map((line, row) => (row === 0 ? `  ${word}`.padEnd(NAME_COLUMNS) : indent) + line);
  });
  const sections = [
    `${name}: ${summary}`,
    ...description.map((text) => wrap(text, WIDTH_COLUMNS).join("\n")),
    `Usage: ${name} COMMAND [FLAGS] …`,
    lines.join("\n"),
    `${name} COMMAND --help shows the flags of each.`,
  ];
  return `${sections.join("\n\n")}\n`;
}
