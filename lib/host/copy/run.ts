/**
 * A plan to copy, run and told: to people on stderr, to programs as lines of JSON.
 */
import { say } from "../../cli.ts";
import {
  type NestedSource,
  type Sums,
  sinceToJson,
  sourceToJson,
  summaryToJson,
  wrongToJson,
} from "../../copy/events.ts";
import { bytesCopied, summarizeCopy } from "../../copy/text.ts";
import { describeWriters } from "../../copy/writers.ts";
import { Failure } from "../../fault.ts";
import type { CopyPlan, Skipped, SourceEntry } from "../../plans/copy.ts";
import { plural, visible } from "../../text.ts";
import { Progress } from "../progress.ts";
import { act, type Done, toItsEnd } from "./act.ts";
import type { CopySides } from "./copier.ts";
import { Events } from "./events.ts";
import type { CopyHelper } from "./helper.ts";
import { writtenSince } from "./since.ts";
import type { CopySource } from "./source.ts";
import { verifyCopies } from "./verify.ts";

const PATHS_SHOWN = 20;

export interface RunOptions {
  /** Whether stdout is told each path as JSON. */
  readonly json: boolean;
  readonly showsProgress: boolean;
  /** Whether the copies are read back. */
  readonly verifies: boolean;
  /** See CopySides. */
  readonly helper?: CopyHelper | undefined;
}

/**
 * Copies what the plan says.
 *
 * @param entries what was looked at for it
 * @param to the persist root
 * @throws Failure where anything was left out, or isn't right when it is read back
 */
export async function runCopy(
  { plan, entries }: { readonly plan: CopyPlan; readonly entries: readonly SourceEntry[] },
  source: CopySource,
  to: { readonly fd: number; readonly path: string },
  { json, showsProgress, verifies, helper }: RunOptions,
): Promise<void> {
  const sides = { trees: source.trees, persist: to.fd, helper };
  tellBefore(plan, source);
  using events = new Events(json);
  events.tell(() => sourceToJson(source.liveFor, source.trees.nested));
  const done: Done = { actions: [], leftOut: [] };
  const verified = await toItsEnd(done, events, async () => {
    await act(plan, done, sides, events, showsProgress);
    const count = verifies ? await verify(done, sides, events, showsProgress) : undefined;
    tellSince(writtenSince(entries, plan, source.trees), events);
    return count;
  });
  events.tell(() => summaryToJson(sumsOf(done, [plan], verified)));
  const summary = summarizeCopy({ actions: done.actions, equal: plan.equal }, to.path);
  if (done.leftOut.length > 0) {
    say.info(summary);
    throw notAll(done.leftOut, plan);
  }
  say.success(verified === undefined ? summary : `${summary}, ${verified} read back and right`);
}

/** @returns how many are right. @throws Failure naming those that aren't */
export async function verify(
  { actions }: Pick<Done, "actions">,
  sides: CopySides,
  events: Events,
  showsProgress: boolean,
): Promise<number> {
  using progress = new Progress("copies read back", showsProgress);
  const wrong = await verifyCopies(actions, sides, () => progress.step());
  for (const each of wrong) events.tell(() => wrongToJson(each));
  if (wrong.length === 0) return actions.length;
  const count = `${wrong.length} of ${plural(actions.length, "path")}`;
  throw new Failure(`Cannot trust ${count}, read back from the disk:${linesOf(wrong)}`, {
    hint: "What is listed was copied and is not as the original: look at the disk before you rely on it",
  });
}

export function sumsOf(
  { actions, leftOut }: Done,
  plans: readonly CopyPlan[],
  verified: number | undefined,
): Sums {
  return {
    done: actions.length,
    equal: plans.reduce((sum, { equal }) => sum + equal.length, 0),
    skipped: plans.reduce((sum, { skipped }) => sum + skipped.length, 0),
    leftOut: leftOut.length,
    verified,
    bytes: bytesCopied(actions),
  };
}

function tellBefore(plan: CopyPlan, { liveFor, trees }: CopySource): void {
  if (liveFor !== undefined) {
    say.warn(`copying live, so that files are not of one instant: ${visible(liveFor)}`);
  }
  tellNested(trees.nested);
  for (const note of plan.notes) say.warn(visible(note));
  for (const { path, reason } of plan.skipped) say.info(`skipped ${visible(path)}: ${reason}`);
  if (plan.writers.length === 0) return;
  say.warn(
    `copied as after a crash, for they are being written to:${describeWriters(plan.writers)}`,
  );
}

function tellNested(nested: readonly NestedSource[]): void {
  const frozen = nested.filter(({ isFrozen }) => isFrozen);
  const live = nested.filter(({ isFrozen }) => !isFrozen);
  if (frozen.length > 0) {
    say.info(
      `each nested subvolume is of an instant of its own, moments after that of the root:${pathLines(frozen)}`,
    );
  }
  if (live.length === 0) return;
  say.warn(`copying live what can't have a snapshot of its own:${pathLines(live)}`);
}

function tellSince(since: readonly Skipped[], events: Events): void {
  for (const each of since) events.tell(() => sinceToJson(each));
  if (since.length === 0) return;
  const count = `${plural(since.length, "path")} changed since the snapshot was taken`;
  say.warn(`${count}, and that is not in the copy:${linesOf(since)}`);
}

function notAll(leftOut: readonly Skipped[], plan: CopyPlan): Failure {
  const all = plan.actions.length + plan.leftOut.length;
  const count = `${leftOut.length} of ${plural(all, "path")}`;
  return new Failure(
    `Cannot copy everything, ${count} had to be left out:${linesOf(leftOut, leftOut.length)}`,
    {
      hint: "What is there is whole. Stop or remove what is named, then run this again for the rest",
    },
  );
}

function linesOf(paths: readonly Skipped[], max = PATHS_SHOWN): string {
  return listOf(
    paths.map(({ path, reason }) => `${visible(path)}: ${reason}`),
    max,
  );
}

function pathLines(paths: readonly NestedSource[]): string {
  return listOf(paths.map(({ path }) => visible(path)));
}

function listOf(texts: readonly string[], max = PATHS_SHOWN): string {
  const lines = texts.slice(0, max).map((text) => `\n    ${text}`);
  const more = texts.length - lines.length;
  return lines.join("") + (more > 0 ? `\n    and ${more} more` : "");
}
