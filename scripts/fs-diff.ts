/**
 * fs-diff: what the root has and its blank one has not, which is what the next
 * boot takes away.
 *
 * The listing streams in the order of the walk, so it ends quietly with a reader
 * that has seen enough, and memory doesn't grow with the number of files; only
 * another order and sums must wait for the last path.
 */

import { existsSync } from "node:fs";
import type { Share } from "../lib/btrfs/share.ts";
import { TooDeep } from "../lib/btrfs/too-deep.ts";
import type { AddedFiles } from "../lib/btrfs/visit.ts";
import { defineScript, jsonArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { Failure, Refusal } from "../lib/fault.ts";
import { commitTransaction, filesystemInfo, subvolumeOf } from "../lib/host/btrfs-ioctl.ts";
import { type Comparison, openComparison } from "../lib/host/comparison.ts";
import type { Tops } from "../lib/host/diff.ts";
import { findDifferences } from "../lib/host/differences.ts";
import { hasMark, loadMark, type MarkFile, markFile, saveMark } from "../lib/host/marks.ts";
import { stdout } from "../lib/host/output.ts";
import { Progress } from "../lib/host/progress.ts";
import { SharedWalk } from "../lib/host/sharing/shared-walk.ts";
import { isBtrfs } from "../lib/host/statfs.ts";
import type { Mark } from "../lib/marks.ts";
import { type ReportOptions, readReportFlags, reportArgs } from "../lib/report/diff-options.ts";
import { type DiffReport, Listing, Summing } from "../lib/report/diff-report.ts";
import { type ListingFormat, walkRecord } from "../lib/report/listing.ts";
import { readSince, sinceArgs } from "../lib/report/since.ts";
import { Stat } from "../lib/report/stat.ts";
import { LossTree } from "../lib/report/tree.ts";
import { behindWarning, namedRoots, rootArgs, wantsProfile } from "../lib/root-args.ts";
import { plural } from "../lib/text.ts";

const HELPER = new URL("./fs-diff-helper.ts", import.meta.url);
/** Columns of a tree where no terminal tells. */
const WIDTH = 100;

const script = defineScript({
  name: "fs-diff",
  summary: "List what the next boot would take away",
  description: [
    "Lists the files that the root has and its blank snapshot has not, or has otherwise, and that nothing keeps: not the profile's lists together with an equal copy on the persist side, not NixOS, which makes its links into /nix/store anew, not persist.ignore. A file that is listed but has no equal copy is lost, and shown.",
    "Paths are absolute as the installed host sees them, one a line, in byte order. PATH limits the listing to these trees. The root is the running system's where the profile means that one, else the one on the profile's disk, also where it is mounted nowhere; --root and --base name mounted subvolumes, and then no profile is needed.",
    "The letters of --status: A added, M content changed, m metadata changed, T type changed, D gone (the rollback restores it). Metadata are mode, owner, extended attributes, mtime and the count of hard links; and ctime where base and root have one inode from a snapshot, which tells of all else that was done to it. Flags of chattr are seen by that alone. What was only read, or moved on the disk, has not changed. --json prints one object a line, with the fate (kept, managed, ignored, lost, restored) and its reason; fs-diff.schema.json describes it.",
    "It reads btrfs metadata, which needs CAP_SYS_ADMIN. Without, or where the root is no btrfs (a tmpfs, whose every file goes), the mounted files are walked instead; what a walk can't see is said on stderr, and with --json in a last line. --collapse never lets a directory stand for anything that is kept, managed or ignored.",
    "--base also takes the path of a subvolume from the top of the file system, such as old_roots/NAME, or the number of a transaction: then it lists what is new after that, A for new paths, M and m for what was written in another way (where the mount keeps times of access, reading is one), and not what went. --since limits a listing to what is new after a transaction, or after the last --mark: what was written, and every path that was not there under its name, so all that is in what was renamed or moved since, and all of a root that was made since. What was renamed and came back counts as new; a path that went is listed where the directory that held it was written since.",
  ],
  profile: "found",
  findings: "something is listed",
  operands: { name: "PATH", description: "Limit the listing to these trees" },
  args: {
    ...profileArgs,
    ...rootArgs,
    ...jsonArgs,
    ...reportArgs,
    ...sinceArgs,
    "no-ignore": { type: "boolean", description: "List what persist.ignore matches too" },
  },
  async run({ args, operands, profile: load }) {
    const options = readReportFlags(args, stdout.isTerminal);
    const { transaction, fromLastMark } = readSince(args);
    const named = args.profile !== undefined || Boolean(process.env.BLANKROOT_PROFILE);
    // What is no btrfs has no blank one that a profile could name.
    const hasBlank = args.root === undefined || !existsSync(args.root) || isBtrfs(args.root);
    const wanted = named || (hasBlank && wantsProfile(args, process.env.BLANKROOT_PROFILE));
    using comparison = await openComparison({
      ...namedRoots(args),
      base: transaction?.isBase ? undefined : args.base,
      profile: wanted ? (await load()).profile : undefined,
      blank: transaction?.isBase ? "optional" : "required",
      access: args.mark === true && args.state === undefined ? "read-write" : "read-only",
      ignore: args["no-ignore"] !== true,
      explain: options.format.kind === "json",
    });
    const { roots } = comparison;
    say.info(`comparing ${roots.source}`);
    if (roots.isBehind) say.warn(behindWarning(roots.device));
    const marks =
      fromLastMark || args.mark === true ? markFile(args.state, roots.persist) : undefined;
    const isFirst = fromLastMark && args.mark === true && !hasMark(marks!);
    if (isFirst) say.info("there is no mark yet: listing everything, and setting the first");
    const since = fromLastMark && !isFirst ? sinceMark(marks!, roots.root) : transaction?.since;
    // Before the first path is read: what is written meanwhile belongs to the next time.
    const mark = args.mark === true ? markNow(roots.root) : undefined;
    const tops: Tops = {
      root: roots.root,
      base: transaction?.isBase ? undefined : roots.base,
      within: operands.length === 0 ? undefined : operands,
      since,
      onMethod: (reason) => args.verbose === true && say.info(reason),
    };
    using progress = new Progress("differences", args.quiet !== true && !stdout.isTerminal);
    const report = show(comparison, tops, options, progress);
    progress[Symbol.dispose]();
    if (report.withheld > 0) {
      const paths = plural(report.withheld, "path");
      say.warn(`${paths} left out: a name in it contains a newline. -0 lists them all`);
    }
    if (mark !== undefined) saveMark(marks!, mark);
    return report.count > 0 ? 1 : 0;
  },
});

function show(
  comparison: Comparison,
  tops: Tops,
  options: ReportOptions,
  progress: Progress,
): DiffReport {
  const { kind, format, selection } = options;
  const sums = kind === "tree" ? new LossTree(options.depth) : new Stat();
  const report: DiffReport =
    kind === "listing"
      ? new Listing(comparison, selection, options, (record) => stdout.write(record))
      : new Summing(comparison.judge, selection, sums);
  const tooDeep = new TooDeep();
  try {
    if (report.needsFirstPass) {
      const first = { ...tops, tooDeep: new TooDeep() };
      findDifferences(first, (change) => report.prepare(change));
    }
    const visitFiles = (files: AddedFiles) => {
      progress.step();
      return report.addFiles(files);
    };
    const share = report instanceof Listing ? shareOf(comparison, options, report) : undefined;
    const { method, blind } = findDifferences({ ...tops, tooDeep, visitFiles, share }, (change) => {
      progress.step();
      report.add(change);
    });
    report.finish();
    if (kind !== "listing") writeSums(sums, format);
    const unseen = [...comparison.roots.blind, ...blind];
    if (unseen.length > 0) say.warn(`not everything was seen: ${unseen.join("; ")}`);
    if (method === "walk" && format.kind === "json") stdout.line(walkRecord(unseen));
    const unlisted = tooDeep.failure();
    if (unlisted !== undefined) throw unlisted;
    return report;
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    stdout.flush();
    const hint = "The listing is incomplete, and nothing was changed";
    throw new Failure(error.message, { cause: error, hint: error.hint ?? hint });
  }
}

function writeSums(sums: LossTree | Stat, { kind }: ListingFormat): void {
  const width = process.stdout.columns || WIDTH;
  const lines = kind === "json" ? [sums.json()] : sums.render({ width });
  for (const line of lines) stdout.line(line);
}

/** Records that need not wait for others can be made by two threads. */
function shareOf(
  { evidence }: Comparison,
  { format, selection, sort, collapse }: ReportOptions,
  report: Listing,
): Share | undefined {
  if (sort !== undefined || collapse) return undefined;
  const work = { evidence, format, selection };
  return new SharedWalk({ helper: HELPER, work, take: (records) => report.addRecords(records) });
}

function markNow(root: number): Mark {
  return {
    filesystem: filesystemInfo(root).id,
    subvolume: subvolumeOf(root),
    transaction: commitTransaction(root),
    time: new Date().toISOString(),
  };
}

/**
 * The first transaction that counts; undefined where all does.
 *
 * @throws Refusal where the mark is of another file system, on which the number means nothing
 */
function sinceMark(marks: MarkFile, root: number): number | undefined {
  const mark = loadMark(marks);
  if (mark.filesystem !== filesystemInfo(root).id) {
    throw new Refusal(`Cannot use the mark in ${marks.name}: it is of another file system`, {
      hint: "fs-diff --mark writes it anew",
    });
  }
  if (mark.subvolume !== subvolumeOf(root)) {
    say.info(`the root is another one than at the mark of ${mark.time}: listing everything`);
    return undefined;
  }
  say.info(`since the mark of ${mark.time}`);
  return mark.transaction + 1;
}

export default script;
await runAlone(script, import.meta.main);
