/**
 * fs-diff: what the root has and its blank one has not, which is what the next
 * boot takes away.
 *
 * The listing streams in the order of the walk, so it ends quietly with a reader
 * that has seen enough, and memory doesn't grow with the number of files.
 */
import type { Change } from "../lib/btrfs/change.ts";
import { defineScript, jsonArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { Failure, UsageFault } from "../lib/fault.ts";
import { type Comparison, openComparison } from "../lib/host/comparison.ts";
import { diffSubvolumes } from "../lib/host/diff.ts";
import { stdout } from "../lib/host/output.ts";
import { Progress } from "../lib/host/progress.ts";
import { type ListingFormat, listingRecord } from "../lib/report/listing.ts";
import { isListedFate, isListedType, type Selection } from "../lib/report/selection.ts";
import { behindWarning, namedRoots, rootArgs, wantsProfile } from "../lib/root-args.ts";
import { plural } from "../lib/text.ts";

const script = defineScript({
  name: "fs-diff",
  summary: "List what the next boot would take away",
  description: [
    "Lists the files that the root has and its blank snapshot has not, or has otherwise, and that nothing keeps: not the profile's lists together with an equal copy on the persist side, not NixOS, which makes its links into /nix/store anew, not persist.ignore. A file that is listed but has no equal copy is lost, and shown.",
    "Paths are absolute as the installed host sees them, one a line, in byte order. PATH limits the listing to these trees. The root is the running system's where the profile means that one, else the one on the profile's disk, also where it is mounted nowhere; --root and --base name mounted subvolumes, and then no profile is needed.",
    "The letters of --status: A added, M content changed, m metadata changed, T type changed, D gone (the rollback restores it). --json adds the fate (kept, managed, ignored, lost, restored) and its reason.",
  ],
  profile: "found",
  findings: "something is listed",
  operands: { name: "PATH", description: "Limit the listing to these trees" },
  args: {
    ...profileArgs,
    ...rootArgs,
    ...jsonArgs,
    null: { type: "boolean", alias: "0", description: "End each path with NUL, not newline" },
    status: { type: "boolean", description: "Put the letter of the status before each path" },
    dirs: { type: "boolean", description: "List directories too" },
    all: { type: "boolean", alias: "a", description: "List every status, type and fate" },
    "no-ignore": { type: "boolean", description: "List what persist.ignore matches too" },
  },
  async run({ args, operands, profile: load }) {
    const format = formatOf(args);
    const selection = { directories: args.dirs === true, all: args.all === true };
    const wanted = wantsProfile(args, process.env.BLANKROOT_PROFILE);
    using comparison = await openComparison({
      ...namedRoots(args),
      profile: wanted ? (await load()).profile : undefined,
      blank: "required",
      ignore: args["no-ignore"] !== true,
      explain: format.kind === "json",
    });
    const { source, isBehind, device } = comparison.roots;
    say.info(`comparing ${source}`);
    if (isBehind) say.warn(behindWarning(device));
    using progress = new Progress("differences", args.quiet !== true && !stdout.isTerminal);
    const { listed, withheld } = list(comparison, operands, selection, format, progress);
    progress[Symbol.dispose]();
    if (withheld > 0) {
      const paths = plural(withheld, "path");
      say.warn(`${paths} left out: a name in it contains a newline. -0 lists them all`);
    }
    return listed > 0 ? 1 : 0;
  },
});

/** Writes what is selected. @returns how many were, and how many of these can't be a line */
function list(
  { roots, judge }: Comparison,
  paths: readonly Uint8Array[],
  selection: Selection,
  format: ListingFormat,
  progress: Progress,
): { listed: number; withheld: number } {
  let listed = 0;
  let withheld = 0;
  const within = paths.length === 0 ? undefined : paths;
  const visit = (change: Change) => {
    progress.step();
    if (!isListedType(change, selection)) return;
    const verdict = judge(change);
    if (!isListedFate(verdict, selection)) return;
    listed++;
    const record = listingRecord(change, verdict, format);
    if (record === undefined) withheld++;
    else stdout.write(record);
  };
  try {
    diffSubvolumes({ root: roots.root, base: roots.base, within }, visit);
  } catch (error) {
    if (!(error instanceof Failure)) throw error;
    stdout.flush();
    const hint = "The listing is incomplete, and nothing was changed";
    throw new Failure(error.message, { cause: error, hint: error.hint ?? hint });
  }
  return { listed, withheld };
}

interface FormatFlags {
  readonly null?: boolean | undefined;
  readonly json?: boolean | undefined;
  readonly status?: boolean | undefined;
}

function formatOf(flags: FormatFlags): ListingFormat {
  if (flags.json === true && flags.null === true) {
    throw new UsageFault("Cannot list as --json and as --null at once: expected one of them");
  }
  const kind = flags.json === true ? "json" : flags.null === true ? "null" : "lines";
  return { kind, status: flags.status === true, terminal: stdout.isTerminal };
}

export default script;
await runAlone(script, import.meta.main);
