/**
 * The last of look, think, show or act: the same plan is printed or applied.
 *
 * The three ways to print stand here and nowhere else, so that every script that
 * plans has the same flags with the same meaning.
 */
import { Refusal, UsageFault } from "../fault.ts";
import { type Plan, programsOf } from "../plan.ts";
import { toJson } from "../plan-json.ts";
import { toShell } from "../plan-shell.ts";
import { applyPlan } from "./apply.ts";
import { listenToInterruptions } from "./interruption.ts";
import { stdout } from "./output.ts";
import { missingPrograms } from "./spawn.ts";

export interface ShowOrApply {
  readonly dryRun: boolean;
  readonly json: boolean;
  /** Asked before the plan is applied; throws where there is no agreement. */
  agree?(): Promise<void>;
  /** What an interruption leaves behind, and what to do next. */
  readonly interrupted: string;
  announce(why: string): void;
}

/** @returns whether the plan was applied, not only shown */
export async function showOrApply(plan: Plan, how: ShowOrApply): Promise<boolean> {
  if (how.json && !how.dryRun) {
    throw new UsageFault("Cannot run: --json prints the plan, expected --dry-run with it");
  }
  if (how.dryRun) {
    stdout.write(how.json ? `${toJson(plan)}\n` : toShell(plan));
    return false;
  }
  refuseMissing(plan);
  await how.agree?.();
  listenToInterruptions(how.interrupted);
  await applyPlan(plan, how.announce);
  return true;
}

/** A program missing half-way would leave the work half done. */
function refuseMissing(plan: Plan): void {
  const missing = missingPrograms(programsOf(plan));
  if (missing.length === 0) return;
  throw new Refusal(`Cannot run ${plan.script}: ${missing.join(", ")} not found on PATH`, {
    hint: "They are in util-linux, btrfs-progs and dosfstools",
  });
}
