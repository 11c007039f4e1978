/**
 * Copies by a plan: all of a batch is made on stages first, then brought to the disk,
 * then moved to its places. A kill or a loss of power at any moment leaves whole
 * files under whole names, and a second run finishes.
 *
 * What can't be copied for reasons of its own is left out, and so is what needs it;
 * all else that fails ends the run.
 */

import { runsOf } from "../../copy/runs.ts";
import { Failure, Fault, Interruption } from "../../fault.ts";
import type { CopyPlan } from "../../plans/copy.ts";
import { Copier, type CopyListener, type CopySides } from "./copier.ts";

/** @throws Failure saying how much was done, Interruption */
export async function applyCopy(
  plan: CopyPlan,
  sides: CopySides,
  listener: CopyListener,
): Promise<void> {
  let done = 0;
  // Files are made with the very mode that they are to have, where nobody else can reach them.
  const umask = process.umask(0);
  const counting: CopyListener = {
    ...listener,
    onDone(action) {
      done++;
      listener.onDone(action);
    },
  };
  using copier = new Copier(sides, counting, plan);
  try {
    for (const run of runsOf(plan.actions)) await copier.run(run);
    await copier.finish();
  } catch (error) {
    if (error instanceof Interruption) throw error;
    throw halfway(error, done, plan.actions.length);
  } finally {
    process.umask(umask);
  }
}

function halfway(error: unknown, done: number, all: number): Failure {
  const reason = error instanceof Error ? error.message : String(error);
  const cure = error instanceof Fault && error.hint !== undefined ? `${error.hint}. ` : "";
  return new Failure(`Cannot finish the copy, ${done} of ${all} paths are done: ${reason}`, {
    cause: error,
    hint: `${cure}What is there is whole; another run does the rest once this is mended`,
  });
}
