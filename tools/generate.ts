/**
 * npm run generate: writes all that follows from the declarations.
 *
 * The results are committed, so that nobody needs this to read them; a test makes
 * them again and compares.
 */
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { commandsOf } from "../lib/cli/family.ts";
import type { Script } from "../lib/cli.ts";
import { scripts } from "../scripts/index.ts";
import { renderBashCompletion } from "./bash-completion.ts";
import { renderCopySchema } from "./copy-schema.ts";
import { renderDiffSchema } from "./diff-schema.ts";
import { renderDoctorSchema } from "./doctor-schema.ts";
import { renderLicenses } from "./licenses.ts";
import { renderMan } from "./man.ts";
import { renderOldRootsSchema } from "./old-roots-schema.ts";
import { renderPlanSchema } from "./plan-schema.ts";
import { renderPreviewSchema } from "./preview-schema.ts";
import { withScriptTable } from "./readme-table.ts";
import { renderSchema } from "./schema.ts";

export const ROOT = join(import.meta.dir, "..");

/** What each generated file should hold, by its path below the repository. */
export const outputs: Record<string, () => string | Promise<string>> = {
  "config.schema.json": renderSchema,
  "fs-diff.schema.json": renderDiffSchema,
  "persist-copy.schema.json": renderCopySchema,
  "doctor.schema.json": renderDoctorSchema,
  "rollback-preview.schema.json": renderPreviewSchema,
  "plan.schema.json": renderPlanSchema,
  "old-roots.schema.json": renderOldRootsSchema,
  "LICENSES.txt": renderLicenses,
  "man/blankroot.1": async () => renderMan(await withCommands(await declared())),
  "completions/blankroot.bash": async () =>
    renderBashCompletion(await withCommands(await declared())),
  "README.md": async () =>
    withScriptTable(readFileSync(join(ROOT, "README.md"), "utf8"), await declared()),
};

if (import.meta.main) {
  for (const [name, render] of Object.entries(outputs)) {
    const file = join(ROOT, name);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, await render());
    console.log(name);
  }
}

/** Each family with its commands behind it. */
async function withCommands(scripts: readonly Script[]): Promise<Script[]> {
  const families = await Promise.all(
    scripts.map(async (script) => [script, ...(await commandsOf(script))]),
  );
  return families.flat();
}

async function declared(): Promise<Script[]> {
  const modules = await Promise.all(Object.values(scripts).map((load) => load()));
  return modules.map((module) => module.default);
}
