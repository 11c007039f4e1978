/** What would keep a new file from being made, asked before anything is done that needs it. */
import { accessSync, constants, lstatSync, statSync } from "node:fs";
import { dirname } from "node:path";

/** @returns the reason as the end of a sentence, or undefined where nothing is in the way */
export function newFileFault(file: string): string | undefined {
  const folder = dirname(file);
  try {
    if (!statSync(folder).isDirectory()) return `${folder} is no directory`;
    if (lstatSync(file, { throwIfNoEntry: false }) !== undefined) return "it exists already";
    accessSync(folder, constants.W_OK | constants.X_OK);
    return undefined;
  } catch (error) {
    return `${folder} can't be written to: ${(error as NodeJS.ErrnoException).code}`;
  }
}
