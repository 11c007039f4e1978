/** A plan to copy, told to people and to programs. */
import type { InodeStatus } from "../inode-status.ts";
import type { CopyAction, CopyPlan, CopyState, SideNames, SourceEntry } from "../plans/copy.ts";
import type { Additions } from "../profile/append.ts";
import { pathFields, toJson } from "../report/json.ts";
import { formatBytes, plural, visible } from "../text.ts";
import { reasonFields, writerFields } from "./events.ts";
import { describeWriter } from "./writers.ts";

/** One line: both sides described, and what is different. */
export function describeConflict(
  { path, status }: Pick<SourceEntry, "path" | "status">,
  copy: CopyState | undefined,
  { from, to }: SideNames,
  reason: string | undefined,
): string {
  const theirs = copy === undefined ? "nothing" : describeStatus(copy.status);
  const sides = `${visible(from)} has ${describeStatus(status)}, ${visible(to)} has ${theirs}`;
  const differs = `differs in ${copy?.differences.join(", ")}`;
  return `${visible(path)}: ${sides}; ${reason ?? differs}`;
}

/** The actions, a line each, then what is left alone. */
export function renderPlan(plan: CopyPlan, persistPath: string): string {
  const lines = [
    ...plan.actions.map((action) => renderAction(action, persistPath)),
    ...plan.equal.map((path) => `equal     ${visible(path)}`),
    ...plan.skipped.map(({ path, reason }) => `skip      ${visible(path)}: ${reason}`),
    ...plan.leftOut.map(({ path, reason }) => `left out  ${visible(path)}: ${reason}`),
    ...plan.writers.map((writer) => `in use    ${describeWriter(writer)}`),
    ...plan.notes.map((note) => `note      ${visible(note)}`),
  ];
  return lines.map((line) => `${line}\n`).join("");
}

/** @param additions to the profile's lists, where there are to be any */
export function planToJson(plan: CopyPlan, persistPath: string, additions?: Additions): string {
  const head = { version: 1, script: "persist-copy", persist: persistPath };
  const added = additions === undefined ? {} : { additions };
  return `${toJson({ ...head, ...planFields(plan), ...added }, 2)}\n`;
}

/** What is done and what is not, for JSON. */
export function planFields({ actions, equal, skipped, leftOut, writers, notes }: CopyPlan) {
  return {
    actions: actions.map(actionFields),
    equal: equal.map(pathFields),
    skipped: skipped.map(reasonFields),
    left_out: leftOut.map(reasonFields),
    in_use: writers.map(writerFields),
    notes,
  };
}

/** What a run has done, once it is over. @param actions that are done */
export function summarizeCopy(
  { actions, equal }: Pick<CopyPlan, "actions" | "equal">,
  persistPath: string,
): string {
  const files = actions.filter(({ kind }) => kind === "copy-file");
  const others = Object.entries(DEEDS).flatMap(([kind, [one, many]]) => {
    const count = actions.filter((action) => action.kind === kind).length;
    return count === 0 ? [] : [`${count} ${count === 1 ? one : many}`];
  });
  return [
    `${plural(files.length, "file")} copied to ${visible(persistPath)} (${formatBytes(bytesCopied(actions))})`,
    ...others,
    ...(equal.length === 0 ? [] : [`${plural(equal.length, "path")} equal already`]),
  ].join(", ");
}

/** Of all files among the actions. */
export function bytesCopied(actions: readonly CopyAction[]): number {
  const sizes = actions.map(({ kind, status }) => (kind === "copy-file" ? status.sizeBytes : 0));
  return sizes.reduce((sum, size) => sum + size, 0);
}

const DEEDS: Record<
  Exclude<CopyAction["kind"], "copy-file">,
  readonly [one: string, many: string]
> = {
  "make-directory": ["directory made", "directories made"],
  link: ["hard link made", "hard links made"],
  "make-symlink": ["symbolic link made", "symbolic links made"],
  "make-node": ["special file made", "special files made"],
  "set-metadata": ["directory set", "directories set"],
  "set-times": ["directory's time set", "directories' times set"],
  "set-flags": ["file protected", "files protected"],
  "remove-leftover": ["leftover removed", "leftovers removed"],
};

/** An action as an event: one line of JSON when it is done. */
export function actionToJson(action: CopyAction): string {
  return toJson(actionFields(action));
}

function actionFields(action: CopyAction) {
  const { kind, path, status, linkTo, replaces } = action;
  return {
    action: kind,
    ...pathFields(path),
    type: status.type,
    size: status.sizeBytes,
    mode: status.mode.toString(8).padStart(4, "0"),
    uid: status.uid,
    gid: status.gid,
    replaces: replaces !== undefined,
    ...(linkTo === undefined ? {} : { link_to: pathFields(linkTo) }),
  };
}

const VERBS: Record<CopyAction["kind"], string> = {
  "make-directory": "directory",
  "copy-file": "copy",
  link: "link",
  "make-symlink": "symlink",
  "make-node": "node",
  "remove-leftover": "remove",
  "set-metadata": "metadata",
  "set-times": "times",
  "set-flags": "flags",
};

function renderAction(
  { kind, path, status, linkTo, replaces }: CopyAction,
  persistPath: string,
): string {
  if (kind === "remove-leftover") {
    return `${VERBS[kind].padEnd(9)} ${visible(persistPath)}${visible(path)}, left by a run that was cut short`;
  }
  const size = kind === "copy-file" ? ` (${formatBytes(status.sizeBytes)})` : "";
  const other = linkTo === undefined ? "" : ` = ${visible(linkTo)}`;
  const over = replaces !== undefined && !kind.startsWith("set-") ? ", replaces what is there" : "";
  const place = `${visible(persistPath)}${visible(path)}`;
  return `${VERBS[kind].padEnd(9)} ${visible(path)} -> ${place}${other}${size}${over}`;
}

function describeStatus({ type, sizeBytes, mode, uid, gid, mtimeNs }: InodeStatus): string {
  const size = type === "file" ? ` of ${formatBytes(sizeBytes)}` : "";
  return `a ${type}${size} (${mode.toString(8).padStart(4, "0")}, ${uid}:${gid}, ${describeTime(mtimeNs)})`;
}

/** A file system holds times that no calendar has; those are told in seconds. */
function describeTime(timeNs: bigint): string {
  const date = new Date(Number(timeNs / 1_000_000n));
  if (Number.isNaN(date.getTime())) return `@${timeNs / 1_000_000_000n}`;
  return date.toISOString().replace(/\.\d+/, "");
}
