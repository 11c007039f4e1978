/**
 * old-roots prune: deletes the old roots that rollback.keep no longer asks for.
 *
 * A timer does the same daily; by hand it is for whoever wants to see the plan, or
 * needs the space now. It deletes, so it asks for the disk's token.
 */
import { isDeepStrictEqual } from "node:util";
import { defineScript, planArgs, profileArgs, say } from "../../lib/cli.ts";
import type { Clock } from "../../lib/clock.ts";
import { Failure, Refusal } from "../../lib/fault.ts";
import { agreeToErase } from "../../lib/host/confirm.ts";
import { diskSpace } from "../../lib/host/disk-space.ts";
import { findSpaceWithNested } from "../../lib/host/exclusive-bytes.ts";
import { probeClock } from "../../lib/host/probe/clock.ts";
import { findDevice, openOldRoots } from "../../lib/host/probe/old-roots.ts";
import { probePrune } from "../../lib/host/prune.ts";
import { showOrApply } from "../../lib/host/show-or-apply.ts";
import type { DiskSpace } from "../../lib/nearly-full.ts";
import type { Plan } from "../../lib/plan.ts";
import { type Due, dueRoots, type PruneFacts, planPrune } from "../../lib/plans/prune.ts";
import type { Profile } from "../../lib/profile.ts";
import { freedText, fullText, type Space } from "../../lib/report/old-roots.ts";
import { plural, visible } from "../../lib/text.ts";

export default defineScript({
  name: "old-roots prune",
  summary: "Delete the old roots that rollback.keep no longer asks for",
  description: [
    "Deletes what is older than rollback.keep.days, but never the newest rollback.keep.at_least, each with the subvolumes nested in it, and says how much that frees. Subvolumes are deleted by id, the innermost first, and each is looked up once more just before; what is mounted anywhere stays. By age nothing is deleted unless the clock is known to be right: synchronised, and not behind any old root.",
    "Nothing is done before the disk's token is given: typed on the terminal, or as --apply=TOKEN. --dry-run prints the plan as a script. The profile must be named, by --profile or $BLANKROOT_PROFILE. Killed anywhere, the next run finishes.",
  ],
  profile: "named",
  args: {
    ...profileArgs,
    ...planArgs,
    apply: {
      type: "string",
      valueHint: "TOKEN",
      description: "Agree to delete old roots on the disk with this token",
    },
  },
  async run({ args, profile: load }) {
    const { profile, file } = await load();
    const { clock, facts, due, space, disk } = await look(profile);
    const full = fullText({ device: facts.top.node, disk, due: space });
    if (full !== undefined) say.warn(full);
    const freed = space === undefined ? "frees nothing" : freedText(space);
    const plan = planPrune(profile, file, facts, { due, freed, now: clock.now });
    const dryRun = args["dry-run"] === true;
    const hasWork = plan.steps.length > 0;
    const applied =
      (hasWork || dryRun) &&
      (await showOrApply(plan, {
        dryRun,
        json: args.json === true,
        agree: () => agree(profile, facts, plan, args.apply),
        interrupted: "What is deleted is gone: run old-roots prune again for the rest",
        announce: say.info,
      }));
    if (dryRun) return 0;
    const { length } = due.roots;
    if (applied)
      say.success(`${length} deleted, ${facts.roots.length - length} kept: that ${freed}`);
    else say.info(plan.summary);
    refuseStuck(due, profile.btrfs.old_roots, applied);
    return 0;
  },
});

interface Looked {
  readonly clock: Clock;
  readonly facts: PruneFacts;
  readonly due: Due;
  /** What they hold; undefined where none is due. */
  readonly space: Space | undefined;
  readonly disk: DiskSpace;
}

async function look(profile: Profile): Promise<Looked> {
  using old = openOldRoots(await findDevice(profile), profile.btrfs.old_roots);
  const facts = await probePrune(profile, old);
  const clock = probeClock();
  const due = dueRoots(profile, facts, clock);
  const trees = due.roots.map(({ subvolumes }) => subvolumes[0]!.tree);
  return {
    clock,
    facts,
    due,
    space: trees.length === 0 ? undefined : findSpaceWithNested(old.top, trees),
    disk: diskSpace(old.top),
  };
}

/** @throws Refusal unless the token is given, and the old roots are then as they were shown */
async function agree(
  profile: Profile,
  facts: PruneFacts,
  plan: Plan,
  apply: string | undefined,
): Promise<void> {
  const deletions = plan.steps
    .filter(({ kind }) => kind === "delete-subvolume")
    .map(({ why }) => why);
  await agreeToErase({
    disk: facts.disk,
    plan: deletions,
    apply,
    verb: "delete old roots on",
    consequence: "This can't be taken back",
  });
  // A question can stand for hours.
  using old = openOldRoots(facts.top.node, profile.btrfs.old_roots);
  if (isDeepStrictEqual(await probePrune(profile, old), facts)) return;
  throw new Refusal("Cannot prune: the old roots changed since the plan was made", {
    hint: "Nothing was touched. Run it again to see them as they are now",
  });
}

/** @throws Refusal, or Failure where others were deleted */
function refuseStuck({ stuck }: Due, directory: string, applied: boolean): void {
  if (stuck.length === 0) return;
  const lines = stuck.map(
    ({ name, obstacle }) => `\n    ${visible(`${directory}/${name}`)}: ${obstacle}`,
  );
  const count = plural(stuck.length, "old root");
  const message = `Cannot prune everything, ${count} had to stay:${lines.join("")}`;
  const hint = "Run it again when the cause is gone";
  throw applied ? new Failure(message, { hint }) : new Refusal(message, { hint });
}
