/**
 * rollback-preview: what exactly the next boot will do and take, before it does.
 *
 * It reads the whole comparison first and speaks then: the verdict in one
 * sentence comes before all else.
 */
import { TooDeep } from "../lib/btrfs/too-deep.ts";
import { defineScript, jsonArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { UsageFault } from "../lib/fault.ts";
import { type Comparison, openComparison } from "../lib/host/comparison.ts";
import { diffSubvolumes } from "../lib/host/diff.ts";
import { stdout } from "../lib/host/output.ts";
import { diskFactsIfReadable } from "../lib/host/probe/disk-facts.ts";
import { probePreviewFacts } from "../lib/host/probe/preview-facts.ts";
import { Progress } from "../lib/host/progress.ts";
import { btrfsName } from "../lib/nix/disk-names.ts";
import { rollbackText } from "../lib/nix/stage1.ts";
import { planPreview } from "../lib/plans/preview.ts";
import type { Profile } from "../lib/profile.ts";
import { renderPreview } from "../lib/report/preview.ts";
import { previewJson } from "../lib/report/preview-json.ts";
import { behindWarning, namedRoots, rootArgs } from "../lib/root-args.ts";
import { Tally } from "../lib/tally.ts";

const script = defineScript({
  name: "rollback-preview",
  summary: "Show what the next boot will do and take",
  description: [
    "Says in one sentence what the next boot loses; then what it does, step by step, and how much is lost, kept, managed and ignored. Losses are told by whom they belong to (a service, a user, a project, a cache), the largest first, with the time of the last change (ctime): what was changed within the hour is marked, for somebody is probably working on it. Warns of what would surprise: no blank snapshot, or one that isn't blank; listed paths that have no copy and come up empty; a password file that isn't there; a disk nearly full; files of a time to come.",
    "--script prints the text that stage 1 runs, as render-nix writes it for the profile; whether the machine's initrd has it is for doctor to say. rollback-preview.schema.json describes what --json prints. fs-diff lists the files themselves and explains how each is judged.",
  ],
  profile: "found",
  findings: "something would be lost",
  args: {
    ...profileArgs,
    ...rootArgs,
    ...jsonArgs,
    script: {
      type: "boolean",
      description: "Print the script that stage 1 runs, and nothing else",
    },
  },
  async run({ args, profile: load }) {
    if (args.script === true && args.json === true) {
      throw new UsageFault("Cannot run: --script prints shell text, expected no --json");
    }
    const { profile } = await load();
    if (args.script === true) return printScript(profile);
    const now = new Date();
    using comparison = await openComparison({
      ...namedRoots(args),
      profile,
      ignore: true,
      explain: false,
    });
    const { roots } = comparison;
    say.info(`comparing ${roots.source}`);
    if (roots.isBehind) say.warn(behindWarning(roots.device));
    const tooDeep = new TooDeep();
    const tally = tallyOf(comparison, { tooDeep, now, showProgress: args.quiet !== true });
    const preview = planPreview(profile, probePreviewFacts(profile, roots, now), tally);
    if (args.json === true) stdout.line(previewJson(preview));
    else for (const line of renderPreview(preview)) stdout.line(line);
    const unlisted = tooDeep.failure();
    if (unlisted !== undefined) {
      stdout.flush();
      throw unlisted;
    }
    return preview.counts.lost.files > 0 ? 1 : 0;
  },
});

async function printScript(profile: Profile): Promise<number> {
  const unreadable = (why: string) => say.warn(`${why}; a label is used`);
  const { path, remark } = btrfsName(profile, await diskFactsIfReadable(profile, unreadable));
  if (remark !== undefined) say.info(`${path}: ${remark}`);
  stdout.write(rollbackText(profile, path));
  return 0;
}

interface TallyOptions {
  readonly tooDeep: TooDeep;
  readonly now: Date;
  readonly showProgress: boolean;
}

function tallyOf(
  { roots, judge }: Comparison,
  { tooDeep, now, showProgress }: TallyOptions,
): Tally {
  using progress = new Progress("differences", showProgress);
  const tally = new Tally(now);
  diffSubvolumes({ root: roots.root, base: roots.base, tooDeep }, (change) => {
    progress.step();
    tally.add(change, judge);
  });
  return tally;
}

export default script;
await runAlone(script, import.meta.main);
