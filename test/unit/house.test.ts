/** The rules of the house, put to all files; each is first seen to fail on a made-up one. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { parse } from "smol-toml";
import { z } from "zod";
import { commandsOf } from "../../lib/cli/family.ts";
import { renderHelp } from "../../lib/cli/help.ts";
import type { Script } from "../../lib/cli.ts";
import { profileSchema } from "../../lib/profile.ts";
import { scripts } from "../../scripts/index.ts";
import { schemaKeys } from "../../tools/schema-keys.ts";
import { blankroot } from "../support/blankroot.ts";
import * as rules from "../support/house-rules.ts";
import { readSources, type Sources } from "../support/sources.ts";

const ROOT = join(import.meta.dir, "../..");
const WIDTH_COLUMNS = 80;
const sources = readSources();

const shown = new Set<Rule>();

type Rule = (sources: Sources) => string[];

test.each<[string, Rule]>(Object.entries(rules))("no file breaks %s()", (_, rule) => {
  expect(rule(sources)).toEqual([]);
});

/** The rule, a file that breaks it, and what is said of it. */
describe("a rule sees what breaks it:", () => {
  test.each<[string, Rule, string, string, string]>([
    [
      "probesOnlyRead()",
      rules.probesOnlyRead,
      "lib/host/probe/a.ts",
      'import { readFileSync, writeFileSync } from "node:fs";',
      "lib/host/probe/a.ts takes writeFileSync",
    ],
    [
      "probesOnlyRead()",
      rules.probesOnlyRead,
      "lib/host/probe/a.ts",
      'import * as fs from "node:fs";',
      "lib/host/probe/a.ts takes all of node:fs",
    ],
    [
      "probesOnlyRead()",
      rules.probesOnlyRead,
      "lib/host/probe/a.ts",
      'import { rm } from "node:fs/promises";',
      "lib/host/probe/a.ts takes all of node:fs/promises",
    ],
    [
      "probesOnlyRead()",
      rules.probesOnlyRead,
      "lib/host/probe/a.ts",
      "openSync(a, constants.O_RDWR);",
      "lib/host/probe/a.ts says O_RDWR",
    ],
    [
      "pureIsPure()",
      rules.pureIsPure,
      "lib/plans/a.ts",
      'import { readFileSync } from "node:fs";',
      "lib/plans/a.ts imports node:fs",
    ],
    [
      "pureIsPure()",
      rules.pureIsPure,
      "lib/btrfs/a.ts",
      'const { dlopen } = require("bun:ffi");',
      "lib/btrfs/a.ts imports bun:ffi",
    ],
    [
      "pureIsPure()",
      rules.pureIsPure,
      "lib/a.ts",
      'const a = await import("node:child_process");',
      "lib/a.ts imports node:child_process",
    ],
    [
      "pureIsPure()",
      rules.pureIsPure,
      "lib/copy/a.ts",
      "const home = process.env.HOME;",
      "lib/copy/a.ts uses process.",
    ],
    [
      "pureIsPure()",
      rules.pureIsPure,
      "lib/profile/a.ts",
      'Bun.spawnSync(["a"]);',
      "lib/profile/a.ts uses Bun.",
    ],
    [
      "pureIsPure()",
      rules.pureIsPure,
      "lib/ids.ts",
      "const id = crypto.randomUUID();",
      "lib/ids.ts uses randomUUID",
    ],
    [
      "importsGoOneWay()",
      rules.importsGoOneWay,
      "lib/plans/a.ts",
      'import {\n  run,\n} from "../host/spawn.ts";',
      "lib/plans/a.ts imports lib/host/spawn.ts",
    ],
    [
      "importsGoOneWay()",
      rules.importsGoOneWay,
      "lib/host/a.ts",
      'import { a } from "../../scripts/a.ts";',
      "lib/host/a.ts imports scripts/a.ts",
    ],
    [
      "importsGoOneWay()",
      rules.importsGoOneWay,
      "scripts/a.ts",
      'import { a } from "../test/support/a.ts";',
      "scripts/a.ts imports test/support/a.ts",
    ],
    [
      "importsGoOneWay()",
      rules.importsGoOneWay,
      "lib/a.ts",
      'import type { A } from "../tools/a.ts";',
      "lib/a.ts imports tools/a.ts",
    ],
    [
      "onlyCliTakesConsola()",
      rules.onlyCliTakesConsola,
      "scripts/a.ts",
      'import { consola } from "consola/basic";',
      "scripts/a.ts imports consola/basic",
    ],
    [
      "onlyCliTakesConsola()",
      rules.onlyCliTakesConsola,
      "lib/plans/a.ts",
      'import type { ConsolaInstance } from "consola/basic";',
      "lib/plans/a.ts imports consola/basic",
    ],
    [
      "noFileIsDead()",
      rules.noFileIsDead,
      "lib/plans/a.ts",
      "/** Alone. */",
      "lib/plans/a.ts is imported by nobody",
    ],
    [
      "noFileIsDead()",
      rules.noFileIsDead,
      "scripts/a.ts",
      "/** Alone. */",
      "scripts/a.ts is imported by nobody",
    ],
    [
      "importsLeadSomewhere()",
      rules.importsLeadSomewhere,
      "lib/a.ts",
      'import { a } from "./none.ts";',
      "lib/a.ts imports lib/none.ts",
    ],
    [
      "filesOpenWithComments()",
      rules.filesOpenWithComments,
      "lib/a.ts",
      "// a\nexport const a = 1;",
      "lib/a.ts opens without a comment",
    ],
    [
      "nothingIsSilenced()",
      rules.nothingIsSilenced,
      "lib/a.ts",
      ["const a = b as", "any;"].join(" "),
      `lib/a.ts:1 says ${["as", "any"].join(" ")}`,
    ],
    [
      "nothingIsSilenced()",
      rules.nothingIsSilenced,
      "lib/a.ts",
      `\n// TO${"DO"} later`,
      `lib/a.ts:2 says TO${"DO"}`,
    ],
    [
      "nothingIsSilenced()",
      rules.nothingIsSilenced,
      "lib/boot/a.sh",
      `umount /mnt || ${"true"}`,
      `lib/boot/a.sh:1 says || ${"true"}`,
    ],
    [
      "nothingIsSilenced()",
      rules.nothingIsSilenced,
      "test/a.ts",
      `test.${"only"}("a", b);`,
      `test/a.ts:1 says .${"only"}(`,
    ],
    [
      "filesAreSmall()",
      rules.filesAreSmall,
      "lib/a.ts",
      "\n".repeat(300),
      "lib/a.ts has 301 lines",
    ],
  ])("%s", (_, rule, file, text, fault) => {
    expect(rule(new Map([[file, text]]))).toContain(fault);
    shown.add(rule);
  });

  test("every one was seen to", () => {
    expect(Object.values(rules).filter((rule) => !shown.has(rule))).toEqual([]);
  });
});

/** Made-up files that must pass, or the rules would be seen to fail for anything. */
test.each<[string, Rule, string, string]>([
  [
    "a type from the machine",
    rules.importsGoOneWay,
    "lib/plans/a.ts",
    'import type { A } from "../host/a.ts";',
  ],
  [
    "prose about what is silenced",
    rules.nothingIsSilenced,
    "lib/a.ts",
    `/** Where: ${"any"} place, as ${"any"} word. */`,
  ],
  ["a test without a comment", rules.filesOpenWithComments, "test/unit/a.test.ts", "test();"],
  [
    "the machine in a comment",
    rules.pureIsPure,
    "lib/plans/a.ts",
    "/** Not Bun.spawn. */\n// nor process.env\nconst a = 1;",
  ],
  ["the width of a text", rules.pureIsPure, "lib/a.ts", "const a = Bun.stringWidth(text);"],
  [
    "an address in a string",
    rules.pureIsPure,
    "lib/plans/a.ts",
    'const a = "https://example.org/process";',
  ],
  [
    "what a probe may take",
    rules.probesOnlyRead,
    "lib/host/probe/a.ts",
    'import { type Stats, statSync } from "node:fs";',
  ],
])("the rules pass %s", (_, rule, file, text) => {
  expect(rule(new Map([[file, text]]))).toEqual([]);
});

describe("--help", () => {
  test.each(Object.keys(scripts))("of %s fits 80 columns and tells every flag", async (name) => {
    const script = (await scripts[name]!()).default;
    expect(script.name).toBe(name);
    expectWholeHelp(script);
    const commands = await commandsOf(script);
    expect(commands.map((command) => command.name)).toEqual(
      Object.keys(script.commands ?? {}).map((command) => `${name} ${command}`),
    );
    for (const command of commands) expectWholeHelp(command);
  });

  test("of a script of several commands fits 80 columns", () => {
    expect(tooWide(blankroot(["old-roots", "--help"]).stdout)).toEqual([]);
  });

  test("is seen to be too wide where it is", () => {
    expect(tooWide(`short\n${"é".repeat(81)}`)).toHaveLength(1);
  });
});

describe("every key of the profile", () => {
  const keys = schemaKeys(z.toJSONSchema(profileSchema, { io: "input" }));

  test("has a description", () => {
    expect(keys.filter(({ schema }) => !schema.description).map(pathOf)).toEqual([]);
    expect(keys.map(pathOf)).toContain("btrfs.subvolumes.*.options");
  });

  test("stands in config.toml", () => {
    const text = readFileSync(join(ROOT, "config.toml"), "utf8");
    const example = parse(text.replace(/^( *)# (?=[[{]|[a-z_0-9]+ = )/gm, "$1"));
    const isShown = ({ path }: { path: readonly string[] }) => shows(example, path);
    expect(keys.filter((key) => !isShown(key)).map(pathOf)).toEqual([]);
    expect(isShown({ path: ["btrfs", "subvolumes", "*", "option"] })).toBe(false);
  });

  test("has its editor's schema named there", () => {
    const [first] = readFileSync(join(ROOT, "config.toml"), "utf8").split("\n");
    expect(first).toBe("#:schema ./config.schema.json");
  });
});

function expectWholeHelp(script: Script): void {
  const help = renderHelp(script);
  expect(tooWide(help)).toEqual([]);
  for (const [flag, { description }] of Object.entries(script.args)) {
    expect(help).toContain(`--${flag}`);
    expect(`${flag}: ${description ?? ""}`).not.toBe(`${flag}: `);
  }
}

function tooWide(text: string): string[] {
  return text.split("\n").filter((line) => Array.from(line).length > WIDTH_COLUMNS);
}

function pathOf({ path }: { path: readonly string[] }): string {
  return path.join(".");
}

function shows(value: unknown, path: readonly string[]): boolean {
  const [key, ...rest] = path;
  if (key === undefined) return true;
  if (Array.isArray(value)) return value.some((one) => shows(one, path));
  if (typeof value !== "object" || value === null) return false;
  if (key === "*") return Object.values(value).some((one) => shows(one, rest));
  return Object.hasOwn(value, key) && shows((value as Record<string, unknown>)[key], rest);
}
