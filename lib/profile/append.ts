/**
 * Entries added to the lists of a profile, in the text as it was written: comments, order
 * and layout stay, and every byte outside of what is put in.
 *
 * Where to put it is told by a parser that knows positions. Whether that went well is
 * told by the reader of profiles: the new text must say all that the old one did and
 * the entries, and no more; else nothing comes of it but the reason.
 */
import { isDeepStrictEqual } from "node:util";
import { parse, TomlError } from "smol-toml";
import { ParseError } from "toml-eslint-parser";
import { checkProfile, type PersistEntry } from "../profile.ts";
import { type ListName, PersistTable } from "./append/lists.ts";
import { type Insertion, insertAll, Source } from "./append/source.ts";
import { entryText } from "./append/values.ts";
import { keyText } from "./fault.ts";

export type Additions = Readonly<Record<ListName, readonly PersistEntry[]>>;

export type Appended = { readonly text: string } | { readonly fault: string };

const LISTS = ["directories", "files"] as const;

/** @param text a profile without fault */
export function appendToLists(text: string, additions: Additions): Appended {
  try {
    const appended = insertAll(text, insertionsFor(text, additions));
    const fault = faultOf(text, appended, additions);
    return fault === undefined ? { text: appended } : { fault };
  } catch (error) {
    // The second parser may know less of TOML than the first, or call itself too often.
    const isOfText =
      error instanceof ParseError || error instanceof TomlError || error instanceof RangeError;
    if (!isOfText) throw error;
    return { fault: `its layout is not understood (${error.message.split("\n")[0]})` };
  }
}

/** How many entries there are. */
export function countOf({ directories, files }: Additions): number {
  return directories.length + files.length;
}

/** Them as TOML, a line each, for whoever adds them by hand. */
export function additionLines(additions: Additions): string[] {
  return LISTS.flatMap((list) =>
    additions[list].map((entry) => `persist.${list}: ${entryText(entry, '"')}`),
  );
}

function insertionsFor(text: string, additions: Additions): Insertion[] {
  const table = new PersistTable(new Source(text));
  const absent = new Map<ListName, readonly PersistEntry[]>();
  const insertions: Insertion[] = [];
  for (const list of LISTS) {
    const entries = additions[list];
    if (entries.length === 0) continue;
    const added = table.addTo(list, entries);
    if (added === undefined) absent.set(list, entries);
    else insertions.push(...added);
  }
  return absent.size === 0 ? insertions : [...insertions, ...table.make(absent)];
}

/** What is wrong with the new text. */
function faultOf(text: string, appended: string, additions: Additions): string | undefined {
  const value = parse(appended);
  if (!isDeepStrictEqual(unfolded(value), expected(text, additions))) {
    return "its layout is not understood (the list would not be read as meant)";
  }
  const checked = checkProfile(value);
  if ("profile" in checked) return undefined;
  return checked.faults.map(({ path, message }) => `${keyText(path)} ${message}`).join("; ");
}

type Lists = { persist?: Partial<Record<ListName, unknown[]>> };

function expected(text: string, additions: Additions): Lists {
  const whole = unfolded(parse(text));
  for (const list of LISTS) {
    if (additions[list].length === 0) continue;
    whole.persist ??= {};
    whole.persist[list] = [...(whole.persist[list] ?? []), ...additions[list].map(shortest)];
  }
  return whole;
}

/** A copy in which a table that holds a path alone is that path: both say the same. */
function unfolded(value: object): Lists {
  const whole = plain(value) as Lists;
  for (const list of LISTS) {
    const entries = whole.persist?.[list];
    if (whole.persist !== undefined && Array.isArray(entries)) {
      whole.persist[list] = entries.map(shortest);
    }
  }
  return whole;
}

function shortest(entry: unknown): unknown {
  if (typeof entry !== "object" || entry === null) return entry;
  const { path, ...owner } = plain(entry) as Record<string, unknown>;
  return Object.keys(owner).length === 0 ? path : { path, ...owner };
}

/** Tables, lists and strings, and no other kind of object; nothing that is undefined. */
function plain(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value));
}
