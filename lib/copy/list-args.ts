/** The flags of persist-copy that are about the profile's lists, and what contradicts them. */
import { UsageFault } from "../fault.ts";

export const listArgs = {
  add: {
    type: "boolean",
    description: "List what was named and is in no list yet in the profile, in place",
  },
  nix: {
    type: "boolean",
    description: "Print what was named and is in no list yet as entries of the profile's module",
  },
  stale: {
    type: "boolean",
    description: "Copy nothing: list what the persist root holds and no list names",
  },
  missing: {
    type: "boolean",
    description: "Copy nothing: list what a list names and the persist root does not hold",
  },
} as const;

export type Review = "stale" | "missing";

interface Flags {
  readonly add?: boolean | undefined;
  readonly nix?: boolean | undefined;
  readonly stale?: boolean | undefined;
  readonly missing?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly null?: boolean | undefined;
  readonly update?: boolean | undefined;
  readonly "dry-run"?: boolean | undefined;
}

const OF_COPIES = ["add", "nix", "update", "dry-run"] as const;

/**
 * Which look was asked for instead of a copy.
 *
 * @throws UsageFault naming the flags that can't both be meant
 */
export function readReview(flags: Flags, operands: number): Review | undefined {
  if (flags.nix === true && flags.json === true) throw clash("nix", "json");
  const review = flags.stale === true ? "stale" : flags.missing === true ? "missing" : undefined;
  if (review === undefined) return undefined;
  if (flags.stale === true && flags.missing === true) throw clash("stale", "missing");
  if (flags.json === true && flags.null === true) throw clash("json", "null");
  const other = OF_COPIES.find((flag) => flags[flag] === true);
  if (other !== undefined) throw clash(review, other);
  if (operands === 0) return review;
  throw new UsageFault(`Cannot run: --${review} looks at all there is, expected no PATH with it`);
}

function clash(a: string, b: string): UsageFault {
  return new UsageFault(`Cannot run with --${a} and --${b}: expected one of them`);
}
