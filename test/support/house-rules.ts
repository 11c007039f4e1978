/**
 * The rules of the house: each takes the files and returns what breaks it, a line
 * each. Who may import whom is what keeps a plan a value: what can't reach the
 * machine can't change it.
 */
import { type Import, importsOf, type Sources, withoutComments } from "./sources.ts";

const LINES_MAX = 300;
const PURE_MODULES =
  /^(?:package\.json|LICENSES\.txt|node:(?:crypto|path|path\/posix|util|buffer)|zod|smol-toml|toml-eslint-parser)$/;
// The width of a text is as pure as its length.
const MACHINE =
  /\b(?:Bun(?!\.stringWidth\()|process|globalThis)\.|\b(?:fetch|setTimeout|setInterval)\(/;
const UNREPEATABLE =
  /\bDate\.now\(|\bnew Date\(\)|\bMath\.random\(|\brandom(?:UUID|Bytes)\b|\bperformance\./;
const READING = new Set(
  "readFileSync readdirSync statSync lstatSync fstatSync statfsSync existsSync readlinkSync realpathSync accessSync openSync closeSync readSync constants Stats Dirent".split(
    " ",
  ),
);
const WRITING_FLAGS = /\bO_(?:WRONLY|RDWR|CREAT|TRUNC|APPEND)\b|\bBun\.write\b/;

/** lib/host/probe only reads: it imports nothing that writes. */
export function probesOnlyRead(sources: Sources): string[] {
  return within(sources, /^lib\/host\/probe\//).flatMap(([file, text]) => {
    const broken = importsOf(file, text)
      .filter(({ to }) => /^(?:node:)?fs(?:\/|$)/.test(to))
      .flatMap(({ to, names, typeOnly }) =>
        typeOnly || (names.length > 0 && to === "node:fs")
          ? names.filter((name) => !READING.has(name))
          : [`all of ${to}`],
      )
      .map((name) => `${file} takes ${name}`);
    const flags = WRITING_FLAGS.exec(withoutComments(text));
    return flags === null ? broken : [...broken, `${file} says ${flags[0]}`];
  });
}

/** What is not lib/host and not the command line is pure: same input, same output. */
export function pureIsPure(sources: Sources): string[] {
  return within(sources, /^lib\/.*\.ts$/)
    .filter(([file]) => layerOf(file) === "pure")
    .flatMap(([file, text]) => {
      const code = withoutComments(text);
      const uses = [MACHINE, UNREPEATABLE].flatMap((pattern) => pattern.exec(code)?.[0] ?? []);
      const taken = importsOf(file, text).filter(
        ({ to, typeOnly }) => !typeOnly && !to.startsWith("lib/") && !PURE_MODULES.test(to),
      );
      return [...uses.map((use) => `${file} uses ${use}`), ...taken.map(says)];
    });
}

/** Which folder may import which. */
export function importsGoOneWay(sources: Sources): string[] {
  return imports(sources)
    .filter(
      ({ from, to, typeOnly }) => isFile(to) && !mayImport(layerOf(from), layerOf(to), typeOnly),
    )
    .map(says);
}

/** Only lib/cli.ts takes consola: what speaks to people goes one way. */
export function onlyCliTakesConsola(sources: Sources): string[] {
  return imports(sources)
    .filter(({ from, to }) => to.split("/")[0] === "consola" && from !== "lib/cli.ts")
    .map(says);
}

/** Every file of lib is reached from a script, a tool, the demo, a bench or the tests' support. */
export function noFileIsDead(sources: Sources): string[] {
  const roots = /^(?:scripts\/main\.ts|(?:tools|demo|bench)\/|test\/(?:support\/|run\.ts))/;
  const reached = new Set<string>();
  const waiting = Array.from(sources.keys()).filter((file) => roots.test(file));
  for (let file = waiting.pop(); file !== undefined; file = waiting.pop()) {
    const text = sources.get(file);
    if (text === undefined || reached.has(file)) continue;
    reached.add(file);
    waiting.push(...importsOf(file, text).map(({ to }) => to));
  }
  return (
    within(sources, /^(?:lib|scripts)\//)
      .map(([file]) => file)
      // Declarations of types are taken by the compiler, without an import.
      .filter((file) => !reached.has(file) && !file.endsWith(".d.ts"))
      .map((file) => `${file} is imported by nobody`)
  );
}

/** A relative import names a file that is there. */
export function importsLeadSomewhere(sources: Sources): string[] {
  return imports(sources)
    .filter(({ to }) => /^(?:lib|scripts|tools|demo|bench|test)\/.*\.(?:ts|sh)$/.test(to))
    .filter(({ to }) => !sources.has(to))
    .map(says);
}

/** Every file opens by saying what it is; of a test its names do. */
export function filesOpenWithComments(sources: Sources): string[] {
  return Array.from(sources)
    .filter(([file]) => !file.endsWith(".test.ts"))
    .filter(([file, text]) => !(file.endsWith(".ts") ? /^(?:#!.*\n)?\/\*\*/ : /^#/).test(text))
    .map(([file]) => `${file} opens without a comment`);
}

/** Nothing is left for later, and no checker is silenced. Written in parts, to pass itself. */
export function nothingIsSilenced(sources: Sources): string[] {
  const anywhere = ["TO" + "DO", "FIX" + "ME", "X" + "XX\\b", "biome-" + "ignore"];
  anywhere.push("@ts-" + "(?:ignore|expect-error|nocheck)");
  const inCode = [
    "as " + "any\\b",
    ": " + "any\\b",
    "\\|\\| " + "true\\b(?!\\))",
    "\\.(?:only|todo)" + "\\(",
  ];
  return Array.from(sources).flatMap(([file, text]) => [
    ...linesWith(file, text, new RegExp(anywhere.join("|"))),
    ...linesWith(file, withoutComments(text), new RegExp(inCode.join("|"))),
  ]);
}

function linesWith(file: string, text: string, pattern: RegExp): string[] {
  return text.split("\n").flatMap((line, index) => {
    const found = pattern.exec(line);
    return found === null ? [] : [`${file}:${index + 1} says ${found[0]}`];
  });
}

/** Code stays small enough to be read at once; a script for stage 1 can't be split. */
export function filesAreSmall(sources: Sources): string[] {
  return within(sources, /^(?:lib|scripts|tools|demo|bench)\/.*\.ts$/)
    .filter(([, text]) => text.split("\n").length > LINES_MAX)
    .map(([file, text]) => `${file} has ${text.split("\n").length} lines`);
}

type Layer = "pure" | "host" | "probe" | "cli" | "scripts" | "tools" | "demo" | "test";

function layerOf(file: string): Layer {
  if (file.startsWith("lib/host/probe/")) return "probe";
  if (file.startsWith("lib/host/")) return "host";
  if (file === "lib/cli.ts" || file.startsWith("lib/cli/")) return "cli";
  if (file.startsWith("lib/")) return "pure";
  if (file.startsWith("scripts/")) return "scripts";
  if (file.startsWith("test/")) return "test";
  return file.startsWith("tools/") ? "tools" : "demo";
}

const ALLOWED: Record<Layer, readonly Layer[]> = {
  pure: ["pure"],
  probe: ["pure", "host", "probe"],
  host: ["pure", "host", "probe", "cli"],
  cli: ["pure", "host", "probe", "cli"],
  scripts: ["pure", "host", "probe", "cli", "scripts"],
  tools: ["pure", "host", "probe", "cli", "scripts", "tools"],
  // The demo and the benches stand on the loop disks of the tests; these build what they measure.
  demo: ["pure", "host", "probe", "cli", "scripts", "tools", "demo", "test"],
  test: ["pure", "host", "probe", "cli", "scripts", "tools", "test"],
};

/** A type is no effect: pure code may name the shape of what the machine gives. */
function mayImport(from: Layer, to: Layer, typeOnly: boolean): boolean {
  if (typeOnly && !["scripts", "tools", "test"].includes(to)) return true;
  if (typeOnly && from === "cli" && to === "scripts") return false;
  return ALLOWED[from].includes(to);
}

function imports(sources: Sources): Import[] {
  return Array.from(sources).flatMap(([file, text]) => importsOf(file, text));
}

function within(sources: Sources, pattern: RegExp): [string, string][] {
  return Array.from(sources).filter(([file]) => pattern.test(file));
}

function isFile(to: string): boolean {
  return /^(?:lib|scripts|tools|demo|bench|test)\//.test(to);
}

function says({ from, to }: Import): string {
  return `${from} imports ${to}`;
}
