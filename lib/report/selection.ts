/**
 * Which changes a listing shows. By default what a person would miss: files that
 * the next boot loses. A directory comes back with its files, a socket with its
 * program.
 */
import { type Change, type FileType, isDirectory, type Status } from "../btrfs/change.ts";
import type { Verdict } from "../fate.ts";
import { UsageFault } from "../fault.ts";
import { visible } from "../text.ts";

export interface Selection {
  /** Directories too. */
  readonly directories: boolean;
  /** Every status, type and fate. */
  readonly all: boolean;
  /** These alone, whatever the fate of their like is by default. */
  readonly types?: ReadonlySet<FileType> | undefined;
  /** These alone; D is asked for by name, for what is restored isn't lost. */
  readonly statuses?: ReadonlySet<Status> | undefined;
}

/** Letters as find(1) has them, and v for subvolumes. */
export const TYPE_LETTERS: Readonly<Record<string, FileType>> = {
  f: "file",
  d: "directory",
  l: "symlink",
  p: "fifo",
  s: "socket",
  c: "character",
  b: "block",
  v: "subvolume",
};

export const STATUS_LETTERS: Readonly<Record<string, Status>> = {
  A: "A",
  M: "M",
  m: "m",
  T: "T",
  D: "D",
};

/** Reads a list such as `f,l`. @throws UsageFault naming the letter that is none */
export function readLetters<Value>(
  flag: string,
  text: string,
  letters: Readonly<Record<string, Value>>,
): Set<Value> {
  return new Set(
    text.split(",").map((letter) => {
      if (Object.hasOwn(letters, letter)) return letters[letter]!;
      throw new UsageFault(
        `Cannot list: ${flag} has "${visible(letter)}", expected letters of ${Object.keys(letters).join(",")}`,
      );
    }),
  );
}

/** Whether a type is listed at all; asked before the fate, which costs more. */
export function isListedType(
  { status, type }: Pick<Change, "status" | "type">,
  { all, directories, types, statuses }: Selection,
): boolean {
  if (statuses !== undefined ? !statuses.has(status) : status === "D" && !all) return false;
  if (types !== undefined) return types.has(type);
  if (all) return true;
  return type !== "socket" && (directories || !isDirectory(type));
}

export function isListedFate({ fate }: Verdict, { all, statuses }: Selection): boolean {
  return all || fate === "lost" || (fate === "restored" && statuses?.has("D") === true);
}
