/**
 * persist-copy: saves state of the root to the persist root, before a boot takes
 * it away.
 *
 * It reads the root subvolume itself, beneath all mounts, so that a bind mount
 * never makes a file its own source, and it decides everything before the first
 * copy.
 */

import { defineScript, planArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { listedPaths, namedPaths } from "../lib/copy/sources.ts";
import { planToJson, renderPlan } from "../lib/copy/text.ts";
import { Refusal, UsageFault } from "../lib/fault.ts";
import { claimPersistRoot } from "../lib/host/copy/access.ts";
import { writersAmong } from "../lib/host/copy/in-use.ts";
import { isThere, lookAtSources } from "../lib/host/copy/look.ts";
import { namesOutside } from "../lib/host/copy/outside.ts";
import { runCopy } from "../lib/host/copy/run.ts";
import { frozenSource, liveSource } from "../lib/host/copy/source.ts";
import type { SourceTrees } from "../lib/host/copy/trees.ts";
import { listenToInterruptions } from "../lib/host/interruption.ts";
import { stdout } from "../lib/host/output.ts";
import { Progress } from "../lib/host/progress.ts";
import { openRoots, type Roots } from "../lib/host/roots.ts";
import { readStdin } from "../lib/host/stdin.ts";
import { latin1 } from "../lib/latin1.ts";
import { survivingPlace } from "../lib/mount-points.ts";
import { type CopyFacts, planCopy } from "../lib/plans/copy.ts";
import type { Profile } from "../lib/profile.ts";
import { rootArgs, wantsProfile } from "../lib/root-args.ts";
import { visible } from "../lib/text.ts";

const { root, persist } = rootArgs;

const script = defineScript({
  name: "persist-copy",
  summary: "Copy state from the root to the persist root",
  description: [
    "Copies PATHs, or all that the profile lists, from the root subvolume to the same place below persist.root, with owner, mode, times, extended attributes, ACLs, capabilities, hard links and holes, chattr's flags and btrfs's compression; a nested subvolume becomes a directory. Directories on the way are made like the root's. A copy that is immutable or append-only, as its original is, can't be updated before chattr -i or -a.",
    "All is copied from a read-only snapshot of the root, made for the time of the run, and so is of one instant; what was written since is listed at the end, and so is before, with process and unit, what is open for writing. --live, or a root that can't have a snapshot, copies the files as they are: what changes or goes meanwhile is left out and listed, with exit status 4.",
    "What is there and equal is skipped. What is there and different is refused with both sides described, before anything is copied, unless --update. --verify reads all copies back once they are on the disk, past what the kernel keeps in memory though not past what the disk does, and ends with 4 naming what is wrong. A lone - reads paths from stdin, one a line, or with -0 each ended by NUL. persist-copy.schema.json describes the JSON.",
    "Paths are those of the installed host: they are looked for in the root subvolume, beneath all mounts and through no symbolic link.",
  ],
  profile: "found",
  operands: { name: "PATH", description: "What to copy; - reads paths from stdin" },
  args: {
    ...profileArgs,
    root,
    persist,
    ...planArgs,
    json: {
      type: "boolean",
      description: "Print JSON: the plan with --dry-run, else each path done",
    },
    null: { type: "boolean", alias: "0", description: "Paths on stdin end with NUL, not newline" },
    update: { type: "boolean", description: "Replace what differs" },
    live: { type: "boolean", description: "Copy from the root itself, not from a snapshot of it" },
    verify: { type: "boolean", description: "Read the copies back from the disk and compare" },
  },
  async run({ args, operands, profile: load }) {
    const dryRun = args["dry-run"] === true;
    const json = args.json === true;
    const named = namedPaths(operands, readStdin, args.null === true ? "\0" : "\n");
    if (named?.length === 0) {
      say.info("nothing was named: nothing to copy");
      return 0;
    }
    const flags = { root: args.root, base: args.persist, profile: args.profile };
    const profile = wantsProfile(flags, process.env.BLANKROOT_PROFILE)
      ? (await load()).profile
      : undefined;
    using roots = await openRoots({
      root: args.root,
      persist: args.persist,
      profile,
      access: dryRun ? "read-only" : "read-write",
    });
    say.info(`copying from ${roots.source}`);
    const showsProgress = args.quiet !== true && !(json && stdout.isTerminal);
    const to = persistRootOf(roots, profile);
    using _claim = dryRun ? undefined : claimPersistRoot(to);
    refuseSurviving(profile, named ?? []);
    if (!dryRun) {
      listenToInterruptions("What is there is whole; run persist-copy again to finish");
    }
    using source = dryRun
      ? liveSource(roots, "a look changes nothing")
      : args.live === true
        ? liveSource(roots, "--live was given")
        : frozenSource(roots);
    const { trees } = source;
    const facts = await look({ ...roots, persist: to, trees }, profile, named, showsProgress);
    const plan = planCopy(facts, args.update === true);
    if (dryRun) {
      stdout.write(json ? planToJson(plan, to.path) : renderPlan(plan, to.path));
      return 0;
    }
    await runCopy(plan, source, to, { json, showsProgress, verifies: args.verify === true });
    return 0;
  },
});

type PersistRoot = NonNullable<Roots["persist"]>;

function persistRootOf({ persist }: Roots, profile: Profile | undefined): PersistRoot {
  if (persist !== undefined) return persist;
  throw profile === undefined
    ? new UsageFault("Cannot copy: neither a profile nor --persist says where to")
    : new Refusal(`Cannot copy to ${profile.persist.root}: there is no such directory`, {
        hint: "make-subvols creates its subvolume",
      });
}

/** What lies on a subvolume that stays is not on the root, where only its mount point is. */
function refuseSurviving(profile: Profile | undefined, named: readonly Uint8Array[]): void {
  if (profile === undefined) return;
  const places = named.map((path) => ({ path, place: survivingPlace(profile, asText(path)) }));
  const surviving = places.filter(({ place }) => place !== undefined);
  if (surviving.length === 0) return;
  const lines = surviving.map(
    ({ path, place }) => `\n    ${visible(path)}: on the subvolume ${place!.subvolume}`,
  );
  throw new Refusal(`Cannot copy what no boot takes away:${lines.join("")}`, {
    hint: "Nothing was copied, and nothing of this needs to be",
  });
}

function asText(path: Uint8Array): string {
  return new TextDecoder().decode(path);
}

async function look(
  roots: Pick<Roots, "root" | "live" | "mountPoints"> & {
    readonly persist: PersistRoot;
    readonly trees: SourceTrees;
  },
  profile: Profile | undefined,
  named: readonly Uint8Array[] | undefined,
  showsProgress: boolean,
): Promise<CopyFacts> {
  const { persist } = roots;
  if (named === undefined && profile === undefined) {
    throw new UsageFault("Cannot copy: no PATH is given, and no profile lists any");
  }
  const listed = named === undefined ? listedPaths(profile!) : [];
  const present = listed.filter(({ bytes }) => isThere(roots.root, bytes));
  const absent = listed.filter(
    ({ bytes }) => !isThere(roots.root, bytes) && !isThere(persist.fd, bytes),
  );
  const sides = {
    trees: roots.trees,
    persist: persist.fd,
    persistPath: new TextEncoder().encode(persist.path),
  };
  const paths = named ?? present.map(({ bytes }) => bytes);
  using progress = new Progress("paths looked at", showsProgress);
  const looked = await lookAtSources(sides, paths, () => progress.step());
  return {
    ...looked,
    writers: writersAmong(looked.entries, roots.trees),
    outside: namesOutside(looked.entries, roots.trees),
    persistPath: persist.path,
    live: latin1Set(roots.live),
    mountPoints: latin1Set(roots.mountPoints),
    named: named ?? [],
    absent: absent.map(({ text }) => text),
  };
}

function latin1Set(paths: readonly Uint8Array[]): Set<string> {
  return new Set(paths.map(latin1));
}

export default script;
await runAlone(script, import.meta.main);
