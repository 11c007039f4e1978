/** A plan to copy carried out and told as it goes: progress to people, each path to programs. */
import { idleToJson, leftOutToJson, writerToJson } from "../../copy/events.ts";
import { CopyProgress } from "../../copy/progress.ts";
import { actionToJson } from "../../copy/text.ts";
import type { CopyAction, CopyPlan, Skipped } from "../../plans/copy.ts";
import { Progress } from "../progress.ts";
import { applyCopy, type CopySides } from "./apply.ts";
import type { Events } from "./events.ts";

export interface Done {
  readonly actions: CopyAction[];
  readonly leftOut: Skipped[];
}

/** @throws Failure saying how much was done, Interruption */
export async function act(
  plan: CopyPlan,
  sides: CopySides,
  events: Events,
  showsProgress: boolean,
): Promise<Done> {
  using progress = new Progress("paths done", showsProgress);
  const copied = new CopyProgress(plan.actions, performance.now());
  const show = () => progress.tell(() => copied.text(performance.now()));
  const done: Done = { actions: [], leftOut: [] };
  for (const line of idleToJson(plan)) events.tell(() => line);
  for (const writer of plan.writers) events.tell(() => writerToJson(writer));
  await applyCopy(plan, sides, {
    onMade(action) {
      copied.add(action);
      show();
    },
    onDone(action) {
      done.actions.push(action);
      events.tell(() => actionToJson(action));
    },
    onLeftOut(path) {
      done.leftOut.push(path);
      events.tell(() => leftOutToJson(path));
    },
    onBytes(count) {
      copied.addBytes(count);
      show();
    },
  });
  return done;
}
