/**
 * blankroot: one executable, many scripts; the name it was called by, or the
 * first word, says which.
 *
 * Each script is imported when it is run and not before: fs-diff should not wait
 * for what format-disk needs.
 */
import { basename } from "node:path";
import { renderOverview } from "../lib/cli/overview.ts";
import { guarded, type Script, say } from "../lib/cli.ts";
import { stdout } from "../lib/host/output.ts";
import { nearest } from "../lib/nearest.ts";
import { visible } from "../lib/text.ts";
import { VERSION_LINE } from "../lib/version.ts";
import { scripts } from "./index.ts";

// What nobody caught is 4, never 1: that is a finding.
process.on("uncaughtException", (error) => {
  say.error(`blankroot: a fault in blankroot itself:\n${visible(String(error.stack))}`);
  process.exit(4);
});
process.exit(await guarded(() => main(process.argv.slice(2))));

async function main(words: readonly string[]): Promise<number> {
  const called = basename(process.argv0);
  if (Object.hasOwn(scripts, called)) return runScript(called, words);
  const [name, ...rest] = words;
  if (name !== undefined && Object.hasOwn(scripts, name)) return runScript(name, rest);
  if (name === "--version") {
    stdout.line(VERSION_LINE);
    stdout.flush();
    return 0;
  }
  if (name === "--licenses") {
    stdout.write((await import("../lib/licenses.ts")).LICENSES);
    stdout.flush();
    return 0;
  }
  if (name === undefined || name === "--help" || name === "-h" || name === "help") {
    stdout.write(await renderOverview(scripts));
    stdout.flush();
    return name === undefined ? 2 : 0;
  }
  const near = nearest(name, Object.keys(scripts));
  say.error(
    `blankroot: no script "${visible(name)}"${near === undefined ? "" : `, did you mean ${near}?`}`,
  );
  say.error("  blankroot --help lists them");
  return 2;
}

async function runScript(name: string, words: readonly string[]): Promise<number> {
  const script: Script = (await scripts[name]!()).default;
  return script.main(words);
}
