/** The line for a login message where it can't be told: silence would be taken for nothing to lose. */
import { visible } from "../text.ts";

/** @param why one line of it is taken */
export function cannotTell(why: string): string {
  const [first = ""] = why.split("\n", 1);
  return `What would be lost at the next boot can't be told: ${visible(first)}`;
}
