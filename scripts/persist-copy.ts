/**
 * persist-copy: saves state of the root to the persist root, before a boot takes
 * it away.
 *
 * It reads the root subvolume itself, beneath all mounts, so that a bind mount
 * never makes a file its own source, and it decides everything before the first
 * copy.
 */

import { defineScript, planArgs, profileArgs, runAlone, say } from "../lib/cli.ts";
import { listArgs, readReview } from "../lib/copy/list-args.ts";
import { listedPaths, namedPaths } from "../lib/copy/sources.ts";
import { planToJson, renderPlan } from "../lib/copy/text.ts";
import { Refusal, UsageFault } from "../lib/fault.ts";
import { claimPersistRoot } from "../lib/host/copy/access.ts";
import type { Adding, AddingRequest } from "../lib/host/copy/adding.ts";
import { CopyHelper } from "../lib/host/copy/helper.ts";
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

const HELPER = new URL("./persist-copy-helper.ts", import.meta.url);
const { root, persist } = rootArgs;

const script = defineScript({
  name: "persist-copy",
  summary: "Copy state from the root to the persist root",
  description: [
    "Copies PATHs, or all that the profile lists, from the root subvolume to the same place below persist.root, with owner, mode, times, extended attributes, ACLs, capabilities, hard links and holes, chattr's flags and btrfs's compression; a nested subvolume becomes a directory. Directories on the way are made like the root's. A copy that is immutable or append-only, as its original is, can't be updated before chattr -i or -a.",
    "All is copied from a read-only snapshot of the root, made for the time of the run, and so is of one instant, as each subvolume nested in it is of one of its own, moments later; what was written since is listed at the end, and so is before, with process and unit, what is open for writing. --live, or a root that can't have a snapshot, copies the files as they are: what changes or goes meanwhile is left out and listed, with exit status 4. So is whatever the disk doesn't give any more: all else is copied.",
    "What is there and equal is skipped. What is there and different is refused with both sides described, before anything is copied, unless --update. --verify reads all copies back once they are on the disk, past what the kernel keeps in memory though not past what the disk does, and ends with 4 naming what is wrong. A lone - reads paths from stdin, one a line, or with -0 each ended by NUL. persist-copy.schema.json describes the JSON.",
    "Paths are those of the installed host: they are looked for in the root subvolume, beneath all mounts and through no symbolic link.",
    "--add puts the PATHs that no list names into the profile's lists once they are copied: comments, order and layout of the file stay, a symbolic link to it is followed, and of a profile in the store the file that render-nix made it from is changed. Who replaces a listed file by renaming another over it fails with EBUSY; where a program is known to do so, that is said, and what to keep instead.",
    "--stale and --missing copy nothing. --stale lists what lies in the persist root and in no list; a directory that is so as a whole stands for its content, with a / at its end, on a terminal behind its size and its age. What is mounted from there now is left out; what else a configuration uses there by itself is in no list. --missing lists what a list names and the persist root has not. Both print one path a line, or with -0 each ended by NUL, and exit with 1 where there is something.",
  ],
  profile: "found",
  findings: "--stale or --missing lists something",
  operands: { name: "PATH", description: "What to copy; - reads paths from stdin" },
  args: {
    ...profileArgs,
    root,
    persist,
    ...planArgs,
    json: {
      type: "boolean",
      description: "Print JSON: the plan with --dry-run, else each path done or listed",
    },
    null: {
      type: "boolean",
      alias: "0",
      description: "Paths on stdin, or those listed, end with NUL, not newline",
    },
    update: { type: "boolean", description: "Replace what differs" },
    ...listArgs,
    live: { type: "boolean", description: "Copy from the root itself, not from a snapshot of it" },
    verify: { type: "boolean", description: "Read the copies back from the disk and compare" },
  },
  async run({ args, operands, profile: load }) {
    const review = readReview(args, operands.length);
    if (review !== undefined) {
      const { runReview } = await import("../lib/host/copy/review.ts");
      return await runReview(review, args, (await load()).profile);
    }
    const dryRun = args["dry-run"] === true;
    const json = args.json === true;
    const named = namedPaths(operands, readStdin, args.null === true ? "\0" : "\n");
    if (named?.length === 0) {
      say.info("nothing was named: nothing to copy");
      return 0;
    }
    const flags = { root: args.root, base: args.persist, profile: args.profile };
    const lists = args.add === true || args.nix === true;
    const wanted = lists || wantsProfile(flags, process.env.BLANKROOT_PROFILE);
    const loaded = wanted ? await load() : undefined;
    const profile = loaded?.profile;
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
        : frozenSource(roots, named ?? listed(profile).map(({ bytes }) => bytes));
    const { trees } = source;
    using helper = source.liveFor === undefined ? new CopyHelper(HELPER) : undefined;
    const onLook = (count: number) => helper?.expect(count);
    const sides = { ...roots, persist: to, trees };
    const facts = await look(sides, profile, named, showsProgress, onLook);
    const plan = planCopy(facts, args.update === true);
    using adding = lists
      ? await openAdding({ loaded: loaded!, add: args.add === true, facts, plan })
      : undefined;
    for (const note of adding?.notes ?? []) say.warn(note);
    if (dryRun) {
      if (args.nix === true) stdout.tell(adding!.nix());
      else if (json) stdout.tell(planToJson(plan, to.path, adding?.additions));
      else stdout.tell(renderPlan(plan, to.path) + (adding?.plan() ?? ""));
      return 0;
    }
    const options = { json, showsProgress, verifies: args.verify === true, helper };
    try {
      await runCopy({ plan, entries: facts.entries }, source, to, options);
    } catch (error) {
      if (lists) say.warn("nothing was listed: that comes once everything is copied");
      throw error;
    }
    if (args.nix === true) stdout.tell(adding!.nix());
    if (args.add === true) say.success(adding!.carryOut());
    return 0;
  },
});

/** Loaded where it is asked for: it brings a second parser of TOML. */
async function openAdding(request: AddingRequest): Promise<Adding> {
  const { Adding } = await import("../lib/host/copy/adding.ts");
  return new Adding(request);
}

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

function listed(profile: Profile | undefined): ReturnType<typeof listedPaths> {
  return profile === undefined ? [] : listedPaths(profile);
}

function asText(path: Uint8Array): string {
  return new TextDecoder().decode(path);
}

async function look(
  roots: Pick<Roots, "root" | "live" | "mountedCopies" | "mountPoints"> & {
    readonly persist: PersistRoot;
    readonly trees: SourceTrees;
  },
  profile: Profile | undefined,
  named: readonly Uint8Array[] | undefined,
  showsProgress: boolean,
  onLook: (count: number) => void,
): Promise<CopyFacts> {
  const { persist } = roots;
  if (named === undefined && profile === undefined) {
    throw new UsageFault("Cannot copy: no PATH is given, and no profile lists any");
  }
  const wanted = named === undefined ? listed(profile) : [];
  const present = wanted.filter(({ bytes }) => isThere(roots.root, bytes));
  const absent = wanted.filter(
    ({ bytes }) => !isThere(roots.root, bytes) && !isThere(persist.fd, bytes),
  );
  const sides = {
    trees: roots.trees,
    persist: persist.fd,
    persistPath: new TextEncoder().encode(persist.path),
  };
  const paths = named ?? present.map(({ bytes }) => bytes);
  using progress = new Progress("paths looked at", showsProgress);
  let count = 0;
  const looked = await lookAtSources(sides, paths, () => {
    progress.step();
    onLook(++count);
  });
  return {
    ...looked,
    writers: writersAmong(looked.entries, roots.trees),
    outside: namesOutside(looked.entries, roots.trees),
    persistPath: persist.path,
    live: latin1Set(roots.live),
    mountedCopies: latin1Set(roots.mountedCopies()),
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
