/** Files of a line that may not be there. */
import { existsSync, readFileSync } from "node:fs";

/** Without the newline at its end; undefined where there is no file. */
export function textOf(file: string): string | undefined {
  return existsSync(file) ? readFileSync(file, "utf8").replace(/\n$/, "") : undefined;
}
