/**
 * One line for a login message. Everybody who logs in may read it, so it names owners and
 * never a file: what a project or a file in somebody's home is called is theirs to tell.
 */
import type { LossGroup } from "../losses/losses.ts";
import type { Count } from "../tally.ts";
import { formatBytes, plural } from "../text.ts";
import { cannotTell } from "./cannot-tell.ts";
import { ownerName } from "./losses.ts";

const OWNERS_NAMED = 3;

export interface LoginLosses {
  readonly lost: Count;
  /** The largest first. */
  readonly groups: readonly LossGroup[];
  /** False where the time to count them was over. */
  readonly isWhole: boolean;
}

/** Undefined where nothing would be lost, as far as it was counted. */
export function loginText({ lost, groups, isWhole }: LoginLosses): string | undefined {
  if (lost.files === 0) return isWhole ? undefined : cannotTell("there is too much to look at");
  const owners = [...new Set(groups.map(({ within }) => ownerName(within)))];
  const more = owners.length - OWNERS_NAMED;
  const names = owners.slice(0, OWNERS_NAMED).join(", ");
  const amount = `${plural(lost.files, "file")}, ${formatBytes(lost.bytes)}`;
  return `${isWhole ? "" : "At least "}${amount} would be lost at the next boot: ${names}${more > 0 ? ` and ${more} more` : ""}`;
}
