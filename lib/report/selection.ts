/**
 * Which changes a listing shows. By default what a person would miss: files that
 * the next boot loses. A directory comes back with its files, a socket with its
 * program.
 */
import { type Change, isDirectory } from "../btrfs/change.ts";
import type { Verdict } from "../fate.ts";

export interface Selection {
  /** Directories too. */
  readonly directories: boolean;
  /** Every status, type and fate. */
  readonly all: boolean;
}

/** Whether a type is listed at all; asked before the fate, which costs more. */
export function isListedType(change: Pick<Change, "status" | "type">, selection: Selection) {
  if (selection.all) return true;
  if (change.status === "D" || change.type === "socket") return false;
  return selection.directories || !isDirectory(change.type);
}

export function isListedFate(verdict: Verdict, selection: Selection): boolean {
  return selection.all || verdict.fate === "lost";
}
