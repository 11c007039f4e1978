/** Links named after the scripts: called through one, the executable runs that script. */
import { lstatSync, readlinkSync, realpathSync, statSync, symlinkSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Failure, Refusal } from "../fault.ts";
import { visible } from "../text.ts";
import { COMMIT, VERSION_LINE } from "../version.ts";
import { run } from "./spawn.ts";

const CHECKOUT = join(import.meta.dir, "../../bin/blankroot");

export interface ScriptLink {
  readonly path: string;
  readonly target: string;
}

/**
 * The file that was called, which is not the one that runs: that may be an unpacked copy.
 *
 * @throws Refusal where it can't be found, or is another
 */
export async function calledFile(): Promise<string> {
  if (COMMIT === undefined) return CHECKOUT;
  const called = process.argv0;
  const found = called.includes("/") ? resolve(called) : Bun.which(called);
  const isSame = found !== null && (await run([found, "--version"])).stdout === `${VERSION_LINE}\n`;
  if (isSame) return realpathSync(found);
  throw new Refusal(`Cannot link to blankroot: ${visible(called)} is not the file that runs`, {
    hint: "Call it by its path",
  });
}

/**
 * The links that are missing in a directory.
 *
 * @throws Refusal where something else has the name of one: nothing is replaced
 */
export function missingLinks(
  directory: string,
  file: string,
  names: readonly string[],
): ScriptLink[] {
  const folder = folderOf(directory);
  // Beside it the link goes along when both are moved.
  const target = dirname(file) === folder ? basename(file) : file;
  return names.flatMap((name) => {
    const path = join(folder, name);
    const there = lstatSync(path, { throwIfNoEntry: false });
    if (there === undefined) return [{ path, target }];
    const isOurs = there.isSymbolicLink() && resolve(folder, readlinkSync(path)) === file;
    if (isOurs) return [];
    throw new Refusal(`Cannot link ${visible(path)}: it exists already, and is something else`);
  });
}

export function makeLink({ path, target }: ScriptLink): void {
  try {
    symlinkSync(target, path);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    throw new Failure(`Cannot link ${visible(path)}: ${code}`, { cause });
  }
}

function folderOf(directory: string): string {
  const status = statSync(directory, { throwIfNoEntry: false });
  if (status?.isDirectory()) return realpathSync(directory);
  throw new Refusal(`Cannot link in ${visible(directory)}: expected a directory`);
}
