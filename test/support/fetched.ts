/**
 * What tests download: once for a clone, kept with the other things of node_modules. A
 * folder that another version of its script has filled is filled anew: tests of today
 * would otherwise run on the parts of yesterday.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "./disk.ts";

const CACHE = join(import.meta.dir, "../../node_modules/.cache/blankroot");

/**
 * A folder that was filled to its end by `sh SCRIPT FOLDER ARGS…`, and then by `finish`.
 *
 * @throws where the script fails; the next call begins anew
 */
export function fetchedOnce(
  name: string,
  script: string,
  args: readonly string[] = [],
  finish: (folder: string) => void = () => {},
): string {
  const folder = join(CACHE, name);
  const mark = join(folder, "whole");
  const madeBy = [readFileSync(script, "utf8"), ...args].join("\n");
  if (!existsSync(mark) || readFileSync(mark, "utf8") !== madeBy) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    sh(["sh", script, folder, ...args]);
    finish(folder);
    writeFileSync(mark, madeBy);
  }
  return folder;
}
