/** The flags of fs-diff that say what is shown and how, and which of them contradict each other. */
import { UsageFault } from "../fault.ts";
import type { ListingFormat } from "./listing.ts";
import { readLetters, type Selection, STATUS_LETTERS, TYPE_LETTERS } from "./selection.ts";
import type { SortKey } from "./sorted.ts";

const ORDERS: string[] = ["path", "size", "mtime"];

export const reportArgs = {
  null: { type: "boolean", alias: "0", description: "End each path with NUL, not newline" },
  status: { type: "boolean", description: "Put the letter of the status before each path" },
  dirs: { type: "boolean", description: "List directories too" },
  all: { type: "boolean", alias: "a", description: "List every status, type and fate" },
  type: {
    type: "string",
    valueHint: "f,l,…",
    description: "List these types: f,d,l,p,s,c,b as find has them, v for subvolumes",
  },
  only: { type: "string", valueHint: "A,M,…", description: "List these statuses: A,M,m,T,D" },
  collapse: {
    type: "boolean",
    description: "Let a directory that is wholly lost stand for its content, with a / at its end",
  },
  sort: {
    type: "enum",
    options: ORDERS,
    description: "The order: path, size or mtime (largest or newest first)",
  },
  tree: { type: "boolean", description: "Show directories with what is lost below, largest first" },
  depth: { type: "string", valueHint: "N", description: "Levels that --tree shows (4)" },
  stat: { type: "boolean", description: "Show sums by fate, status and type, of all that differs" },
} as const;

export interface ReportFlags {
  readonly json?: boolean | undefined;
  readonly null?: boolean | undefined;
  readonly status?: boolean | undefined;
  readonly dirs?: boolean | undefined;
  readonly all?: boolean | undefined;
  readonly type?: string | undefined;
  readonly only?: string | undefined;
  readonly collapse?: boolean | undefined;
  readonly sort?: string | undefined;
  readonly tree?: boolean | undefined;
  readonly depth?: string | undefined;
  readonly stat?: boolean | undefined;
}

export interface ReportOptions {
  readonly kind: "listing" | "tree" | "stat";
  readonly format: ListingFormat;
  readonly selection: Selection;
  readonly sort: SortKey | undefined;
  readonly collapse: boolean;
  readonly depth: number;
}

/** Pairs that can't both be meant. */
const CONTRADICTIONS: ReadonlyArray<readonly [keyof ReportFlags, keyof ReportFlags]> = [
  ["json", "null"],
  ["tree", "stat"],
  ["tree", "null"],
  ["tree", "status"],
  ["tree", "sort"],
  ["tree", "collapse"],
  ["stat", "null"],
  ["stat", "status"],
  ["stat", "sort"],
  ["stat", "collapse"],
];
const DEPTH = 4;
const DEPTH_MAX = 64;

/** @throws UsageFault naming the flags at fault */
export function readReportFlags(flags: ReportFlags, isTerminal: boolean): ReportOptions {
  const clash = CONTRADICTIONS.find(([a, b]) => isGiven(flags[a]) && isGiven(flags[b]));
  if (clash !== undefined) {
    throw new UsageFault(`Cannot list with --${clash[0]} and --${clash[1]}: expected one of them`);
  }
  if (flags.depth !== undefined && flags.tree !== true) {
    throw new UsageFault("Cannot list with --depth alone: it is for --tree");
  }
  const kind = flags.json === true ? "json" : flags.null === true ? "null" : "lines";
  return {
    kind: flags.tree === true ? "tree" : flags.stat === true ? "stat" : "listing",
    format: { kind, status: flags.status === true, terminal: isTerminal },
    selection: selectionOf(flags),
    sort: flags.sort === "size" || flags.sort === "mtime" ? flags.sort : undefined,
    collapse: flags.collapse === true,
    depth: readDepth(flags.depth),
  };
}

function selectionOf(flags: ReportFlags): Selection {
  const types =
    flags.type === undefined ? undefined : readLetters("--type", flags.type, TYPE_LETTERS);
  const statuses =
    flags.only === undefined ? undefined : readLetters("--only", flags.only, STATUS_LETTERS);
  return {
    directories: flags.dirs === true,
    all: flags.all === true || flags.stat === true,
    types,
    statuses,
  };
}

function readDepth(text: string | undefined): number {
  if (text === undefined) return DEPTH;
  const depth = Number(text);
  if (/^\d+$/.test(text) && depth >= 1 && depth <= DEPTH_MAX) return depth;
  throw new UsageFault(`Cannot show a tree: --depth is "${text}", expected 1 to ${DEPTH_MAX}`);
}

function isGiven(value: unknown): boolean {
  return value !== undefined && value !== false;
}
