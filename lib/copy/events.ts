/** What a run tells programs beside each path that is done: a line of JSON each. */
import type { CopyPlan, Skipped } from "../plans/copy.ts";
import { pathFields, toJson } from "../report/json.ts";
import type { Writer } from "./writers.ts";

/** A subvolume nested in what is copied. */
export interface NestedSource {
  readonly path: Uint8Array;
  /** Whether it has a snapshot of its own. */
  readonly isFrozen: boolean;
}

/** @param reason why it is live; undefined for a snapshot */
export function sourceToJson(reason: string | undefined, nested: readonly NestedSource[]): string {
  if (reason !== undefined) return toJson({ action: "source", frozen: false, reason });
  const subvolumes = nested.map(({ path, isFrozen }) => ({
    ...pathFields(path),
    frozen: isFrozen,
  }));
  return toJson({ action: "source", frozen: true, subvolumes });
}

/** What the lines behind it are about. @param to one of DESTINATIONS */
export function legToJson(from: string, to: string): string {
  return toJson({ action: "restore", from, to });
}

/** What the user should know. */
export function noteToJson(text: string): string {
  return toJson({ action: "note", text });
}

export function writerToJson(writer: Writer): string {
  return toJson({ action: "in-use", ...writerFields(writer) });
}

export function writerFields({ path, pid, program, unit }: Writer) {
  return { ...pathFields(path), pid, program, unit: unit ?? null };
}

/** What was written once the copy was taken. */
export function sinceToJson(since: Skipped): string {
  return toJson({ action: "written-since", ...reasonFields(since) });
}

/** What has no copy. */
export function leftOutToJson(left: Skipped): string {
  return toJson({ action: "left-out", ...reasonFields(left) });
}

/** A copy that is not what it should be. */
export function wrongToJson(wrong: Skipped): string {
  return toJson({ action: "not-verified", ...reasonFields(wrong) });
}

/** What is left alone. */
export function idleToJson({ equal, skipped }: CopyPlan): string[] {
  return [
    ...equal.map((path) => toJson({ action: "equal", ...pathFields(path) })),
    ...skipped.map((entry) => toJson({ action: "skip", ...reasonFields(entry) })),
  ];
}

export interface Sums {
  /** Actions that are done. */
  readonly done: number;
  readonly equal: number;
  readonly skipped: number;
  readonly leftOut: number;
  /** Copies that were read back and are right; undefined where none was asked for. */
  readonly verified: number | undefined;
  /** Of the files that were copied. */
  readonly bytes: number;
}

/** The last line of a run that came to its end. */
export function summaryToJson({ done, equal, skipped, leftOut, verified, bytes }: Sums): string {
  const left_out = leftOut;
  return toJson({
    action: "summary",
    done,
    equal,
    skipped,
    left_out,
    verified: verified ?? null,
    bytes,
  });
}

/** The last line of one that didn't. @param reason in words */
export function failedToJson(
  { done, leftOut }: Pick<Sums, "done" | "leftOut">,
  reason: string,
): string {
  return toJson({ action: "failed", done, left_out: leftOut, reason });
}

export function reasonFields({ path, reason }: Skipped) {
  return { ...pathFields(path), reason };
}
