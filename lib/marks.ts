/**
 * A mark: the transaction up to which somebody has seen what there is, so that
 * later only what is newer need be listed. Transactions are the file system's own
 * and only grow; the root that was seen is named too, for in another one, which was
 * made or moved to its place since, nothing was.
 */
import { Refusal } from "./fault.ts";

/** Below the persist root: what blankroot itself keeps. */
export const STATE_DIRECTORY = "/var/lib/blankroot";

export interface Mark {
  /** The fsid in hex. */
  readonly filesystem: string;
  /** The id of the root's tree, which no other subvolume ever gets. */
  readonly subvolume: number;
  /** The last transaction that was seen. */
  readonly transaction: number;
  /** When, for people: RFC 3339 in UTC. */
  readonly time: string;
}

const VERSION = 1;

export function markText({ filesystem, subvolume, transaction, time }: Mark): string {
  return `${JSON.stringify({ version: VERSION, filesystem, subvolume, transaction, time })}\n`;
}

/** @throws Refusal where the text is no mark. @param file for errors */
export function readMark(text: string, file: string): Mark {
  const refuse = (detail: string) =>
    new Refusal(`Cannot use the mark in ${file}: ${detail}`, {
      hint: "fs-diff --mark writes it anew",
    });
  let value: Partial<Mark> & { version?: number };
  try {
    value = Object(JSON.parse(text));
  } catch (cause) {
    throw refuse(`it is no JSON (${(cause as Error).message})`);
  }
  const { version, filesystem, subvolume, transaction, time } = value;
  if (version !== VERSION) throw refuse(`its version is ${version}, expected ${VERSION}`);
  if (!isCount(transaction)) throw refuse("it has no transaction");
  if (!isCount(subvolume)) throw refuse("it has no subvolume");
  if (typeof filesystem !== "string" || typeof time !== "string") {
    throw refuse("it has no file system or time");
  }
  return { filesystem, subvolume, transaction, time };
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}
