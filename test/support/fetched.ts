/** What tests download: once for a clone, kept with the other things of node_modules. */
import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const CACHE = join(import.meta.dir, "../../node_modules/.cache/blankroot");

/**
 * A folder that was filled to its end.
 *
 * @throws what `fill` throws; the next call begins anew
 */
export function fetchedOnce(name: string, fill: (empty: string) => void): string {
  const folder = join(CACHE, name);
  const mark = join(folder, "whole");
  if (!existsSync(mark)) {
    rmSync(folder, { recursive: true, force: true });
    mkdirSync(folder, { recursive: true });
    fill(folder);
    writeFileSync(mark, "");
  }
  return folder;
}
