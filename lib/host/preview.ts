/** What rollback-preview prints but for --login, which has no time to load all this. */
import type { Change } from "../btrfs/change.ts";
import { TooDeep } from "../btrfs/too-deep.ts";
import { say } from "../cli.ts";
import { btrfsName } from "../nix/disk-names.ts";
import { rollbackText } from "../nix/stage1.ts";
import { deletedPaths, planPreview } from "../plans/preview.ts";
import type { Profile } from "../profile.ts";
import { renderPreview } from "../report/preview.ts";
import { previewJson } from "../report/preview-json.ts";
import { behindWarning, namedRoots, type RootFlags } from "../root-args.ts";
import { Tally } from "../tally.ts";
import { type Comparison, openComparison } from "./comparison.ts";
import { diffSubvolumes } from "./diff.ts";
import { stdout } from "./output.ts";
import { diskFactsIfReadable } from "./probe/disk-facts.ts";
import { probeFreedSpace } from "./probe/freed-space.ts";
import { probePreviewFacts } from "./probe/preview-facts.ts";
import { Progress } from "./progress.ts";

interface Flags extends RootFlags {
  readonly json?: true;
  readonly quiet?: true;
}

/** @returns the exit status */
export async function printPreview(profile: Profile, flags: Flags): Promise<number> {
  const now = new Date();
  using comparison = await openComparison({
    ...namedRoots(flags),
    profile,
    ignore: true,
    explain: false,
  });
  const { roots } = comparison;
  say.info(`comparing ${roots.source}`);
  if (roots.isBehind) say.warn(behindWarning(roots.device));
  const tooDeep = new TooDeep();
  const tally = tallyOf(comparison, { tooDeep, now, showProgress: flags.quiet !== true });
  const plan = planPreview(profile, probePreviewFacts(profile, roots, now), tally);
  const freed = probeFreedSpace(roots.device, deletedPaths(profile, plan));
  const preview = { ...plan, freed };
  if (flags.json === true) stdout.line(previewJson(preview));
  else for (const line of renderPreview(preview)) stdout.line(line);
  const unlisted = tooDeep.failure();
  if (unlisted !== undefined) {
    stdout.flush();
    throw unlisted;
  }
  return preview.counts.lost.files > 0 ? 1 : 0;
}

/** @returns the exit status */
export async function printScript(profile: Profile): Promise<number> {
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
  const visit = (change: Change) => {
    progress.step();
    tally.add(change, judge);
  };
  diffSubvolumes({ root: roots.root, base: roots.base, tooDeep }, visit);
  return tally;
}
