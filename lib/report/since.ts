/** The flags of fs-diff that limit it to what is newer than something. */
import { UsageFault } from "../fault.ts";
import { visible } from "../text.ts";

export const sinceArgs = {
  since: {
    type: "string",
    valueHint: "last|N",
    description: "List what is new since the last --mark, or after transaction N",
  },
  mark: { type: "boolean", description: "Remember, for --since last, what was there now" },
  state: {
    type: "string",
    valueHint: "FILE",
    description: "Where the mark is kept (var/lib/blankroot/fs-diff.mark below persist.root)",
  },
} as const;

export interface SinceFlags {
  readonly base?: string | undefined;
  readonly since?: string | undefined;
  readonly mark?: boolean | undefined;
  readonly state?: string | undefined;
}

export interface Since {
  /** The first transaction that counts; undefined for all, or where a mark will tell. */
  readonly transaction:
    | {
        readonly since: number;
        /** It stands in the place of a base. */
        readonly isBase: boolean;
      }
    | undefined;
  readonly fromLastMark: boolean;
}

/** @throws UsageFault */
export function readSince({ base, since, mark, state }: SinceFlags): Since {
  const number = base !== undefined && /^\d+$/.test(base) ? base : undefined;
  if (state !== undefined && mark !== true && since !== "last") {
    throw new UsageFault("Cannot use --state alone: it is for --mark and --since last");
  }
  if (number !== undefined) {
    if (since === undefined) return after(number, true);
    throw new UsageFault("Cannot list with --since and a transaction as --base: expected one");
  }
  if (since === undefined) return { transaction: undefined, fromLastMark: false };
  if (since === "last") return { transaction: undefined, fromLastMark: true };
  if (/^\d+$/.test(since)) return after(since, false);
  throw new UsageFault(
    `Cannot list: --since is "${visible(since)}", expected last or the number of a transaction`,
    { hint: "btrfs subvolume show DIR shows it as Generation" },
  );
}

function after(text: string, isBase: boolean): Since {
  const transaction = Number(text);
  if (!Number.isSafeInteger(transaction)) {
    throw new UsageFault(`Cannot list: ${text} is no transaction, expected a number below 2^53`);
  }
  return { transaction: { since: transaction + 1, isBase }, fromLastMark: false };
}
