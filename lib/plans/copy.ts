/**
 * The plan of persist-copy: what of root's files goes to the persist root, and how.
 *
 * All conflicts are found here, before the first copy: a run that copies half and
 * then meets a file it may not replace would leave people to sort out which half.
 */

import { decide, isProtected, mayReplaceEqual, protection } from "../copy/decision.ts";
import type { Difference } from "../copy/difference.ts";
import { type FirstName, HardLinks } from "../copy/hard-links.ts";
import type { Leftover } from "../copy/leftover.ts";
import { notesOf } from "../copy/notes.ts";
import { describeConflict } from "../copy/text.ts";
import type { Writer } from "../copy/writers.ts";
import { Refusal } from "../fault.ts";
import { type InodeStatus, isSameInode } from "../inode-status.ts";
import { latin1, latin1OfParent } from "../latin1.ts";
import { plural } from "../text.ts";

/** One path of the root that was named, lies below one that was, or leads to one. */
export interface SourceEntry {
  /** Absolute, as the host sees it. */
  readonly path: Uint8Array;
  readonly status: InodeStatus;
  readonly role: "named" | "parent";
  /** Of a symbolic link. */
  readonly linkText: Uint8Array | undefined;
  /** What the persist root has at the same path. */
  readonly copy: CopyState | undefined;
}

export interface CopyState {
  readonly status: InodeStatus;
  readonly differences: readonly Difference[];
  /** Why these are not known. */
  readonly unreadable?: string | undefined;
}

export interface CopyFacts {
  /** Parents before children, no path twice. */
  readonly entries: readonly SourceEntry[];
  /** The persist root, as the host sees it. */
  readonly persistPath: string;
  /** Mounted on the root now; paths as latin1. */
  readonly live: ReadonlySet<string>;
  /** Those of them that show the copy itself; paths as latin1. */
  readonly mountedCopies: ReadonlySet<string>;
  /** The live ones and those that a boot mounts over by the profile; paths as latin1. */
  readonly mountPoints: ReadonlySet<string>;
  /** In the persist root, by runs that were killed. */
  readonly leftovers: readonly Leftover[];
  /** What has the name of such a leftover and is none: nothing new can be made beside it. */
  readonly obstacles: readonly Uint8Array[];
  /** What can't be looked at, and why: a copy of it can't be made. */
  readonly unreadable: readonly Skipped[];
  /** The paths that were named one by one, and not by a list. */
  readonly named: readonly Uint8Array[];
  /** Who has one of the files open for writing. */
  readonly writers: readonly Writer[];
  /** Names of what is copied that are not copied themselves, as far as they are known. */
  readonly outside: readonly OutsideNames[];
  /** Listed by the profile, and nowhere. */
  readonly absent: readonly string[];
  /** What both sides are called; the root and the persist root's path unless given. */
  readonly names?: SideNames;
}

export interface SideNames {
  readonly from: string;
  readonly to: string;
}

export interface OutsideNames {
  readonly path: Uint8Array;
  /** Other paths of the same inode. */
  readonly names: readonly Uint8Array[];
}

export interface CopyAction {
  readonly kind:
    | "make-directory"
    | "copy-file"
    | "link"
    | "make-symlink"
    | "make-node"
    | "remove-leftover"
    | "set-metadata"
    | "set-times"
    | "set-flags";
  readonly path: Uint8Array;
  /** The original, as it was looked at; of what is removed, its own. */
  readonly status: InodeStatus;
  /** For a hard link: the path within the set that is its other name. */
  readonly linkTo: Uint8Array | undefined;
  /** What the persist root has there already, where that is equal. */
  readonly linkCopy: InodeStatus | undefined;
  /** What is there now and will be replaced or changed. */
  readonly replaces: InodeStatus | undefined;
}

export interface CopyPlan {
  readonly actions: readonly CopyAction[];
  /** Paths that are there already and equal. */
  readonly equal: readonly Uint8Array[];
  readonly skipped: readonly Skipped[];
  /** What is not copied though it should be, as is known before. */
  readonly leftOut: readonly Skipped[];
  readonly writers: readonly Writer[];
  /** What the user should know, a line each. */
  readonly notes: readonly string[];
}

export interface Skipped {
  readonly path: Uint8Array;
  readonly reason: string;
}

const CONFLICTS_SHOWN = 20;

/** @throws Refusal listing all conflicts */
export function planCopy(facts: CopyFacts, update: boolean): CopyPlan {
  const planner = new Planner(facts, update);
  for (const entry of facts.entries) planner.add(entry);
  return planner.finish();
}

class Planner {
  readonly #facts: CopyFacts;
  readonly #update: boolean;
  readonly #actions: CopyAction[] = [];
  readonly #equal: SourceEntry[] = [];
  readonly #skipped: Skipped[] = [];
  readonly #leftOut: Skipped[];
  readonly #conflicts: string[] = [];
  readonly #sides: SideNames;
  /** Whether --update would settle one of them. */
  #mayUpdate = false;
  readonly #links = new HardLinks();
  /** Directories of the persist root that take nothing new, by path as latin1, and why. */
  readonly #closed = new Map<string, string>();

  constructor(facts: CopyFacts, update: boolean) {
    this.#facts = facts;
    this.#update = update;
    this.#sides = facts.names ?? { from: "the root", to: facts.persistPath };
    this.#leftOut = [...facts.unreadable];
    this.#actions.push(...facts.leftovers.map(removeLeftover));
  }

  add(entry: SourceEntry): void {
    const decision = decide(entry, this.#facts, this.#update);
    const { path, status, copy } = entry;
    this.#noteClosed(entry);
    switch (decision.kind) {
      case "skip":
        this.#skipped.push({ path, reason: decision.reason });
        break;
      case "leave-out":
        this.#leftOut.push({ path, reason: decision.reason });
        break;
      case "conflict":
        this.#addConflict(entry, decision.copy, decision.reason);
        break;
      case "equal":
        this.#addEqual(entry);
        break;
      case "act":
        if (decision.action.startsWith("set-")) this.#addSetting(entry, decision.action);
        else this.#addCreation(entry, decision.action, this.#links.meet(path, status, undefined));
        break;
      case "pass":
        break;
    }
    if (decision.kind !== "act" || this.#closed.size === 0) return;
    const closed = this.#closed.get(latin1OfParent(path));
    if (closed !== undefined) this.#addConflict(entry, copy, closed);
  }

  finish(): CopyPlan {
    if (this.#conflicts.length > 0) throw this.#refusal();
    // A directory that is equal now won't be once something is put into it.
    const filled = this.#filled();
    const isFilled = ({ path }: SourceEntry) => filled.has(latin1(path));
    const late = this.#equal.filter(isFilled).map(setTimes);
    return {
      actions: [...this.#actions, ...late],
      equal: this.#equal.filter((entry) => !isFilled(entry)).map(({ path }) => path),
      skipped: this.#skipped,
      leftOut: this.#leftOut,
      writers: this.#facts.writers,
      notes: notesOf(this.#facts, this.#actions, filled, this.#links.incomplete),
    };
  }

  /** Equal, but for a name that should be a link to another. */
  #addEqual(entry: SourceEntry): void {
    const { path, status } = entry;
    const copy = entry.copy!.status;
    const first = this.#links.meet(path, status, copy);
    const isLinked = first?.copy !== undefined && isSameInode(first.copy, copy);
    if (first === undefined || isLinked || !mayReplaceEqual(path, copy, this.#facts)) {
      this.#equal.push(entry);
    } else this.#addCreation(entry, "link", first);
  }

  #addSetting(entry: SourceEntry, kind: CopyAction["kind"]): void {
    const { path, status, copy } = entry;
    this.#links.meet(path, status, copy?.status);
    this.#actions.push({ kind, path, status, ...NO_LINK, replaces: copy?.status });
  }

  #addCreation(entry: SourceEntry, kind: CopyAction["kind"], first: FirstName | undefined): void {
    const { path, status, copy } = entry;
    const action = { kind, path, status, ...NO_LINK, replaces: copy?.status };
    this.#actions.push(
      first === undefined
        ? action
        : { ...action, kind: "link", linkTo: first.path, linkCopy: first.copy },
    );
  }

  /** Notes a directory of the persist root that takes nothing new. */
  #noteClosed({ path, copy }: SourceEntry): void {
    if (copy?.status.type !== "directory" || !isProtected(copy.status)) return;
    this.#closed.set(latin1(path), protection(copy.status, "the directory there"));
  }

  #addConflict(entry: SourceEntry, copy: CopyState | undefined, reason: string | undefined): void {
    if (reason === undefined) this.#mayUpdate = true;
    this.#conflicts.push(describeConflict(entry, copy, this.#sides, reason));
  }

  /** Directories that something is put into, as latin1; none where nobody asks. */
  #filled(): ReadonlySet<string> {
    const isAsked = this.#equal.length > 0 || this.#facts.obstacles.length > 0;
    return new Set(isAsked ? this.#actions.map(({ path }) => latin1OfParent(path)) : []);
  }

  #refusal(): Refusal {
    const shown = this.#conflicts.slice(0, CONFLICTS_SHOWN);
    const more = this.#conflicts.length - shown.length;
    const lines = more > 0 ? [...shown, `and ${more} more`] : shown;
    const hint = this.#mayUpdate
      ? `Nothing was copied. --update replaces what differs by what ${this.#sides.from} has`
      : "Nothing was copied. Sort these out first, or name less";
    return new Refusal(
      `Cannot copy: ${plural(this.#conflicts.length, "path")} in the way\n${lines.map((line) => `    ${line}`).join("\n")}`,
      { hint },
    );
  }
}

const NO_LINK = { linkTo: undefined, linkCopy: undefined } as const;

function setTimes({ path, status, copy }: SourceEntry): CopyAction {
  return { kind: "set-times", path, status, ...NO_LINK, replaces: copy?.status };
}

function removeLeftover({ path, status }: Leftover): CopyAction {
  return { kind: "remove-leftover", path, status, ...NO_LINK, replaces: undefined };
}
