/**
 * The result that a rollback leaves, as a value and as a sentence: lines of
 * `key=value`, written by a shell that can't escape, so each value ends with its line.
 */
import { Failure } from "../fault.ts";
import { visible } from "../text.ts";

const OUTCOMES = ["done", "finished", "skipped", "failed"] as const;

export interface RollbackResult {
  /** "finished": what an interrupted run had begun. */
  readonly outcome: (typeof OUTCOMES)[number];
  /** Why; empty for an ordinary success. */
  readonly reason: string;
  /** What went wrong beside the swap; empty for nothing. */
  readonly warning: string;
  /** The boot that it ran in. */
  readonly boot_id: string;
  readonly device: string;
  /** The name that the old root has among the old roots; empty where none was set aside. */
  readonly old_root: string;
}

/** @throws Failure where the text is no result */
export function readResult(text: string): RollbackResult {
  const lines = new Map(
    text
      .split("\n")
      .filter((line) => line.includes("="))
      .map((line) => [line.slice(0, line.indexOf("=")), line.slice(line.indexOf("=") + 1)]),
  );
  const outcome = OUTCOMES.find((word) => word === lines.get("outcome"));
  if (outcome === undefined) {
    throw new Failure(
      `Cannot read the rollback's result: its outcome is "${visible(lines.get("outcome") ?? "")}", expected one of ${OUTCOMES.join(", ")}`,
    );
  }
  const value = (key: string) => lines.get(key) ?? "";
  return {
    outcome,
    reason: value("reason"),
    warning: value("warning"),
    boot_id: value("boot_id"),
    device: value("device"),
    old_root: value("old_root"),
  };
}

/** One sentence without a full stop, for people. */
export function describeResult(result: RollbackResult, oldRoots: string): string {
  const { outcome, reason, device, old_root: oldRoot } = result;
  const kept = oldRoot === "" ? "" : `, the old one is ${oldRoots}/${oldRoot}`;
  const because = reason === "" ? "" : `: ${reason}`;
  const sentences = {
    done: `the root on ${device} is blank${kept}${because}`,
    finished: `the root on ${device} is blank${because}, this one finished`,
    skipped: `nothing was done on ${device}${because}`,
    failed: `the rollback on ${device} failed${because}${kept}`,
  };
  return visible(sentences[outcome]);
}
