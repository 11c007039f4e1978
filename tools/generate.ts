/**
 * npm run generate: writes all that follows from the declarations.
 *
 * The results are committed, so that nobody needs this to read them; a test makes
 * them again and compares.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import type { Script } from "../lib/cli.ts";
import { scripts } from "../scripts/index.ts";
import { renderBashCompletion } from "./bash-completion.ts";
import { renderMan } from "./man.ts";
import { withScriptTable } from "./readme-table.ts";
import { renderSchema } from "./schema.ts";

export const ROOT = join(import.meta.dir, "..");

/** What each generated file should hold, by its path below the repository. */
export async function generated(): Promise<Map<string, string>> {
  const all: Script[] = [];
  for (const load of Object.values(scripts)) all.push((await load()).default);
  const readme = readFileSync(join(ROOT, "README.md"), "utf8");
  return new Map([
    ["config.schema.json", renderSchema()],
    ["man/blankroot.1", renderMan(all)],
    ["completions/blankroot.bash", renderBashCompletion(all)],
    ["README.md", withScriptTable(readme, all)],
  ]);
}

if (import.meta.main) {
  for (const [name, text] of await generated()) {
    const file = join(ROOT, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    console.log(name);
  }
}
