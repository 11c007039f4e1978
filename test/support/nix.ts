/** Nix itself, as far as tests need it: expressions to values, modules to what they define. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { ConfigFile } from "../../lib/nix/files.ts";
import { type Scratch, sh } from "./disk.ts";

const EVALUATE = join(import.meta.dir, "nix/evaluate.nix");

/** What tests of Nix call; see describeUnless(). */
export const NIX_PROGRAMS = ["nix-instantiate"] as const;

export interface Evaluated {
  /** All that was defined, merged. */
  readonly definitions: Record<string, unknown>;
  /** Messages of assertions that don't hold. */
  readonly failed: readonly string[];
  readonly warnings: readonly string[];
  /** How many assertions have a message. */
  readonly messages: number;
  /** Definitions conflict; then there is nothing else. */
  readonly error?: true;
}

/** A configuration's files, and the texts of other modules beside them. */
export interface Case {
  readonly files: readonly ConfigFile[];
  readonly others?: readonly string[];
}

/** The value of an expression. */
export function evaluate(scratch: Scratch, expression: string): unknown {
  const file = scratch.path("expression.nix");
  writeFileSync(file, expression);
  return JSON.parse(instantiate(scratch, [file]));
}

/** Evaluates blankroot.nix of each case, all in one call. */
export function evaluateModules(
  scratch: Scratch,
  cases: Readonly<Record<string, Case>>,
): Record<string, Evaluated> {
  const modules = Object.entries(cases).map(([name, { files, others = [] }], index) => {
    const folder = scratch.path(`case-${index}`);
    mkdirSync(folder);
    for (const file of files) writeFileSync(join(folder, file.name), file.text);
    const beside = others.map((text, number) => {
      writeFileSync(join(folder, `other-${number}.nix`), text);
      return join(folder, `other-${number}.nix`);
    });
    return [name, [join(folder, "blankroot.nix"), ...beside]] as const;
  });
  const list = scratch.path("cases.json");
  writeFileSync(list, JSON.stringify(Object.fromEntries(modules)));
  const expression = `import ${EVALUATE} (builtins.fromJSON (builtins.readFile ${list}))`;
  return JSON.parse(instantiate(scratch, ["--expr", expression]));
}

/** Whether every file of Nix among these can be parsed; throws with Nix's words where not. */
export function parse(scratch: Scratch, files: readonly ConfigFile[]): void {
  for (const { name, text } of files.filter((file) => file.name.endsWith(".nix"))) {
    const file = scratch.path(name);
    writeFileSync(file, text);
    sh(["nix-instantiate", "--parse", file], { env: environment(scratch) });
  }
}

/** What Nix printed before it failed may be long, and tells nothing. */
function instantiate(scratch: Scratch, words: readonly string[]): string {
  const child = Bun.spawnSync(["nix-instantiate", "--eval", "--strict", "--json", ...words], {
    env: { ...process.env, ...environment(scratch) },
    stdin: "ignore",
    stdout: "pipe",
    stderr: "pipe",
  });
  if (child.exitCode === 0) return child.stdout.toString();
  throw new Error(`nix-instantiate: status ${child.exitCode}\n${child.stderr}`);
}

/** Nothing of the machine's own store, and nothing left in it. */
function environment(scratch: Scratch): Record<string, string> {
  return {
    HOME: scratch.dir,
    NIX_STATE_DIR: scratch.path("state"),
    NIX_STORE_DIR: scratch.path("store"),
    NIX_LOCALSTATE_DIR: scratch.path("var"),
    NIX_LOG_DIR: scratch.path("log"),
    NIX_CONF_DIR: scratch.path("conf"),
  };
}
