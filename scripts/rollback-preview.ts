/**
 * rollback-preview: what exactly the next boot will do and take, before it does.
 *
 * It reads the whole comparison first and speaks then: the verdict in one
 * sentence comes before all else.
 */
import { TooDeep } from "../lib/btrfs/too-deep.ts";
import { defineScript, jsonArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { type Comparison, openComparison } from "../lib/host/comparison.ts";
import { diffSubvolumes } from "../lib/host/diff.ts";
import { stdout } from "../lib/host/output.ts";
import { probePreviewFacts } from "../lib/host/probe/preview-facts.ts";
import { Progress } from "../lib/host/progress.ts";
import { planPreview } from "../lib/plans/preview.ts";
import { renderPreview } from "../lib/report/preview.ts";
import { previewJson } from "../lib/report/preview-json.ts";
import { behindWarning, namedRoots, rootArgs } from "../lib/root-args.ts";
import { Tally } from "../lib/tally.ts";

const script = defineScript({
  name: "rollback-preview",
  summary: "Show what the next boot will do and take",
  description: [
    "Says in one sentence what the next boot loses, then under which name the root is set aside, which nested subvolumes go with it, how much is lost, kept, managed and ignored, where the largest losses are, and which old roots would be pruned. Warns of what would surprise: no blank snapshot, or one that isn't blank; listed paths that have no copy and come up empty; a password file that isn't there; a disk nearly full.",
    "fs-diff lists the files themselves and explains how each is judged.",
  ],
  profile: "found",
  findings: "something would be lost",
  args: { ...profileArgs, ...rootArgs, ...jsonArgs },
  async run({ args, profile: load }) {
    const { profile } = await load();
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
    const tally = tallyOf(comparison, tooDeep, args.quiet !== true);
    const preview = planPreview(profile, probePreviewFacts(profile, roots), tally);
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

function tallyOf({ roots, judge }: Comparison, tooDeep: TooDeep, showProgress: boolean): Tally {
  using progress = new Progress("differences", showProgress);
  const tally = new Tally();
  diffSubvolumes({ root: roots.root, base: roots.base, tooDeep }, (change) => {
    progress.step();
    tally.add(change, judge);
  });
  return tally;
}

export default script;
await runAlone(script, import.meta.main);
