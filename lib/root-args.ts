/** The flags that name a root, and whether a profile is wanted beside them. */
import { visible } from "./text.ts";

export const rootArgs = {
  root: { type: "string", valueHint: "DIR", description: "The root: a mounted subvolume" },
  base: { type: "string", valueHint: "DIR", description: "What it is compared with: a subvolume" },
  persist: { type: "string", valueHint: "DIR", description: "The persist root: a directory" },
} as const;

export interface RootFlags {
  readonly root?: string | undefined;
  readonly base?: string | undefined;
  readonly persist?: string | undefined;
  readonly profile?: string | undefined;
}

/**
 * False where both sides are named by hand and no profile is: one that was merely
 * found speaks of this machine, not of whatever is mounted there.
 *
 * @param variable the value of $BLANKROOT_PROFILE
 */
export function wantsProfile(flags: RootFlags, variable: string | undefined): boolean {
  if (flags.root === undefined || flags.base === undefined) return true;
  return flags.profile !== undefined || Boolean(variable);
}

/** The directories alone, for openRoots(). */
export function namedRoots({ root, base, persist }: RootFlags): Omit<RootFlags, "profile"> {
  return { root, base, persist };
}

/** What a look at a file system that ended in a crash can't see. */
export function behindWarning(device: string): string {
  return `${visible(device)} was not unmounted cleanly: what was synced in its last seconds is not seen, as reading must not change the disk`;
}
