/** A plan to copy carried out and told as it goes: progress to people, each path to programs. */
import {
  failedToJson,
  idleToJson,
  leftOutToJson,
  noteToJson,
  writerToJson,
} from "../../copy/events.ts";
import { CopyProgress } from "../../copy/progress.ts";
import { actionToJson } from "../../copy/text.ts";
import { latin1 } from "../../latin1.ts";
import type { CopyAction, CopyPlan, Skipped } from "../../plans/copy.ts";
import { Progress } from "../progress.ts";
import { applyCopy } from "./apply.ts";
import type { CopySides } from "./copier.ts";
import type { Events } from "./events.ts";

export interface Done {
  readonly actions: CopyAction[];
  readonly leftOut: Skipped[];
}

/** Does it, and tells programs where it ended early: a run's last line says how it ended. */
export async function toItsEnd<T>(done: Done, events: Events, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const count = { done: done.actions.length, leftOut: done.leftOut.length };
    events.tell(() => failedToJson(count, reason));
    throw error;
  }
}

/** @param done gets what is done, and what had to be left out */
export async function act(
  plan: CopyPlan,
  done: Done,
  sides: CopySides,
  events: Events,
  showsProgress: boolean,
): Promise<void> {
  using progress = new Progress("paths done", showsProgress);
  const copied = new CopyProgress(plan.actions, performance.now());
  const leftOut = new Set<string>();
  const leaveOut = (path: Skipped) => {
    const key = latin1(path.path);
    // A directory that can't be listed may fail again where it is made for what was named in it.
    if (leftOut.has(key)) return;
    leftOut.add(key);
    done.leftOut.push(path);
    events.tell(() => leftOutToJson(path));
  };
  const show = () => progress.tell(() => copied.text(performance.now()));
  for (const note of plan.notes) events.tell(() => noteToJson(note));
  for (const line of idleToJson(plan)) events.tell(() => line);
  for (const path of plan.leftOut) leaveOut(path);
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
    onLeftOut: leaveOut,
    onBytes(count) {
      copied.addBytes(count);
      show();
    },
  });
}
