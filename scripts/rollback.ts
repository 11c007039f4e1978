/**
 * rollback: what every boot does to the root, by hand: from an installer, or in
 * a test.
 *
 * It runs the very text that stage 1 runs, in a mount namespace of its own: a
 * killed run leaves no mount, and the next one finishes.
 */
import { isDeepStrictEqual } from "node:util";
import { describeResult, type RollbackResult } from "../lib/boot/rollback-result.ts";
import { defineScript, planArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { Failure, Interruption, Refusal } from "../lib/fault.ts";
import { agreeToErase } from "../lib/host/confirm.ts";
import { stdout } from "../lib/host/output.ts";
import { probeRollback, refuseMissingPrograms, watchResult } from "../lib/host/rollback.ts";
import { showOrApply } from "../lib/host/show-or-apply.ts";
import type { Plan } from "../lib/plan.ts";
import { planRollback, type RollbackFacts, resultFile } from "../lib/plans/rollback.ts";
import type { Profile } from "../lib/profile.ts";
import { visible } from "../lib/text.ts";

const script = defineScript({
  name: "rollback",
  summary: "Put a blank root in the place of the old one, as every boot does",
  description: [
    "Sets the root subvolume aside among the old roots, with the subvolumes nested in it, and puts a writable snapshot of the blank one in its place. It finishes what an interrupted run began. A blank snapshot that isn't empty is refused by hand; a boot takes it as it is. The profile must be named, by --profile or $BLANKROOT_PROFILE; the running system's root is refused.",
    "Nothing is done before the disk's token is given: typed on the terminal, or as --apply=TOKEN. --dry-run prints the script that runs, which begins by checking that it is on the same disk.",
    "The result is left in /run/blankroot/rollback-DISK (a boot leaves its own in /run/blankroot/rollback), and --json prints it. Where rollback.keep is 0 days and at least 0, old roots are deleted at once.",
  ],
  profile: "named",
  args: {
    ...profileArgs,
    ...planArgs,
    json: { type: "boolean", description: "Print the result (with --dry-run the plan) as JSON" },
    apply: {
      type: "string",
      valueHint: "TOKEN",
      description: "Agree to roll back the root on the disk with this token",
    },
  },
  async run({ args, profile: load }) {
    const { profile, file } = await load();
    const facts = await probeRollback(profile);
    const plan = planRollback(profile, file, facts);
    const { node } = facts.top;
    const { old_roots: oldRoots } = profile.btrfs;
    const dryRun = args["dry-run"] === true;
    if (!dryRun) refuseMissingPrograms();
    const resultOfRun = watchResult(resultFile(facts.disk), node);
    const apply = () =>
      showOrApply(plan, {
        dryRun,
        json: dryRun && args.json === true,
        agree: () => agree(profile, facts, plan, args.apply),
        interrupted: `The root on ${node} may be set aside already: run rollback again to finish`,
        announce: say.info,
      });
    const failure = await failureOf(apply, () => {
      const result = resultOfRun();
      if (result !== undefined) say.info(describeResult(result, oldRoots));
    });
    return dryRun ? 0 : conclude(failure, resultOfRun(), oldRoots, args.json === true);
  },
});

/** @throws Refusal unless the token is given, and the disk is then as it was shown */
async function agree(
  profile: Profile,
  facts: RollbackFacts,
  plan: Plan,
  apply: string | undefined,
): Promise<void> {
  await agreeToErase({
    disk: facts.disk,
    plan: plan.steps.map((step) => step.why),
    apply,
    verb: "roll back the root on",
    consequence: `What is on ${profile.btrfs.root} leaves its place`,
  });
  // A question can stand for hours.
  if (isDeepStrictEqual(await probeRollback(profile), facts)) return;
  throw new Refusal(`Cannot roll back ${facts.top.node}: it changed since the plan was made`, {
    hint: "Nothing was touched. Run it again to see the disk as it is now",
  });
}

/**
 * Runs it; a failure on the way is returned, for the result says more. Refusals
 * pass; after a signal the swap may have come to its end all the same.
 */
async function failureOf(
  act: () => Promise<unknown>,
  tellOfInterrupted: () => void,
): Promise<Failure | undefined> {
  try {
    await act();
    return undefined;
  } catch (error) {
    if (error instanceof Failure) return error;
    if (error instanceof Interruption) tellOfInterrupted();
    throw error;
  }
}

function conclude(
  failure: Failure | undefined,
  result: RollbackResult | undefined,
  oldRoots: string,
  json: boolean,
): number {
  if (result === undefined) {
    throw failure ?? new Failure("Cannot tell what the rollback did: it left no result");
  }
  if (json) stdout.line(JSON.stringify(result));
  stdout.flush();
  if (result.warning !== "") say.warn(visible(result.warning));
  const sentence = describeResult(result, oldRoots);
  if (failure !== undefined) {
    const hint = result.reason.endsWith("nothing was changed")
      ? "Run rollback again when the cause is gone"
      : "Run rollback again when the cause is gone: it finishes what was begun";
    throw new Failure(`Cannot roll back: ${sentence}`, { hint, cause: failure });
  }
  say.success(sentence);
  return 0;
}

export default script;
await runAlone(script, import.meta.main);
