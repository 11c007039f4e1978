/**
 * old-roots restore: brings paths back out of an old root.
 *
 * It decides everything, for all places that paths go to, before the first copy.
 */
import { defineScript, planArgs, profileArgs, say } from "../../lib/cli.ts";
import { DESTINATIONS, type Destination, destinationsOf } from "../../lib/copy/destinations.ts";
import { legToJson, summaryToJson } from "../../lib/copy/events.ts";
import { namedPaths } from "../../lib/copy/sources.ts";
import { planFields, renderPlan, summarizeCopy } from "../../lib/copy/text.ts";
import { Failure, Refusal } from "../../lib/fault.ts";
import { claimPersistRoot } from "../../lib/host/copy/access.ts";
import { act, type Done, toItsEnd } from "../../lib/host/copy/act.ts";
import { Events } from "../../lib/host/copy/events.ts";
import { type RunOptions, sumsOf, verify } from "../../lib/host/copy/run.ts";
import { SourceTrees } from "../../lib/host/copy/trees.ts";
import { listenToInterruptions } from "../../lib/host/interruption.ts";
import { stdout } from "../../lib/host/output.ts";
import { findDevice, oldRootNamed, openOldRoots } from "../../lib/host/probe/old-roots.ts";
import { lookAndPlan, refuseMissing, type Source, type Target } from "../../lib/host/restore.ts";
import { View } from "../../lib/host/roots/views.ts";
import { openRoots, type Roots } from "../../lib/host/roots.ts";
import { readStdin } from "../../lib/host/stdin.ts";
import { latin1 } from "../../lib/latin1.ts";
import type { CopyPlan, Skipped } from "../../lib/plans/copy.ts";
import { refuseHidden } from "../../lib/plans/restore.ts";
import type { Profile } from "../../lib/profile.ts";
import { toJson } from "../../lib/report/json.ts";
import { plural, visible } from "../../lib/text.ts";

const LIVE_ROOT = "the live root";

export default defineScript({
  name: "old-roots restore",
  summary: "Copy paths back from an old root",
  description: [
    "Copies PATHs out of the old root NAME to the same place: what the profile lists to the persist root, all else to the live root; --to says it for all. It is persist-copy's copy, with all that this preserves: what is there and equal is skipped, what is there and different is refused before anything is copied, unless --update, and a directory is never replaced. --verify reads all copies back once they are on the disk.",
    "Paths are those of the installed host. What a mount would hide is not put into the live root. A lone - reads paths from stdin, one a line, or with -0 each ended by NUL. A NAME may be shortened while it is the only one that begins so.",
  ],
  profile: "found",
  operands: {
    name: "NAME PATH",
    description: "The old root, as old-roots list shows it, and what to copy out of it",
    usage: "NAME PATH…",
    least: 2,
  },
  args: {
    ...profileArgs,
    ...planArgs,
    json: {
      type: "boolean",
      description: "Print JSON: the plan with --dry-run, else each path done",
    },
    null: { type: "boolean", alias: "0", description: "Paths on stdin end with NUL, not newline" },
    to: {
      type: "enum",
      valueHint: DESTINATIONS.join("|"),
      options: DESTINATIONS,
      description: "Where all of them go, whatever the profile lists",
    },
    update: { type: "boolean", description: "Replace what differs" },
    verify: { type: "boolean", description: "Read the copies back from the disk and compare" },
  },
  async run({ args, operands, profile: load }) {
    const dryRun = args["dry-run"] === true;
    const json = args.json === true;
    const [name, ...words] = operands;
    const paths = namedPaths(words, readStdin, args.null === true ? "\0" : "\n") ?? [];
    const { profile } = await load();
    const device = await findDevice(profile);
    const access = dryRun ? "read-only" : "read-write";
    // Writing first: a file system that was opened for reading alone can't be written to.
    using top = View.ofDevice(device, access);
    using roots = await openRoots({ profile, access });
    using old = openOldRoots(device, profile.btrfs.old_roots);
    const root = oldRootNamed(old, latin1(name!));
    const source = { fd: root.fd, name: `${old.directory}/${root.name}` };
    refuseMissing(source, paths);
    const showsProgress = args.quiet !== true && !(json && stdout.isTerminal);
    const how = {
      persistPath: profile.persist.root,
      update: args.update === true,
      showsProgress,
    };
    const legs: Leg[] = [];
    for (const target of targetsOf(paths, profile, roots, top, args.to)) {
      if (!dryRun) claimPersistRoot({ fd: target.fd, path: target.name });
      legs.push({ target, plan: await lookAndPlan(source, target, roots, how) });
    }
    if (dryRun) {
      stdout.write(json ? legsToJson(source, legs) : legs.map(renderLeg).join(""));
      return 0;
    }
    listenToInterruptions("What is there is whole; run old-roots restore again to finish");
    return await run(source, legs, { json, showsProgress, verifies: args.verify === true });
  },
});

interface Leg {
  readonly target: Target;
  readonly plan: CopyPlan;
}

/** @throws Refusal where a place isn't there, or a path would not be seen in it */
function targetsOf(
  paths: readonly Uint8Array[],
  profile: Profile,
  roots: Roots,
  top: View,
  to: Destination | undefined,
): Target[] {
  return Array.from(destinationsOf(paths, profile, to), ([each, its]) => {
    if (each === "persist") return { to: each, paths: its, ...persistTarget(roots, profile) };
    refuseHidden(its, new Set(roots.mountPoints.map(latin1)));
    return { to: each, paths: its, fd: rootTarget(top, profile), name: LIVE_ROOT };
  });
}

function persistTarget({ persist }: Roots, profile: Profile): Pick<Target, "fd" | "name"> {
  if (persist !== undefined) return { fd: persist.fd, name: persist.path };
  throw new Refusal(`Cannot restore to ${profile.persist.root}: there is no such directory`, {
    hint: "make-subvols creates its subvolume",
  });
}

/** The root beneath all mounts, opened for writing as the top was. */
function rootTarget(top: View, { btrfs }: Profile): number {
  const fd = top.subvolume(btrfs.root);
  if (fd !== undefined) return fd;
  throw new Refusal(`Cannot restore to the live root: there is no subvolume ${btrfs.root}`);
}

function renderLeg({ target, plan }: Leg): string {
  return renderPlan(plan, target.to === "persist" ? target.name : "");
}

function legsToJson({ name }: Source, legs: readonly Leg[]): string {
  const head = { version: 1, script: "old-roots restore", from: name };
  const copies = legs.map(({ target, plan }) => ({ to: target.to, ...planFields(plan) }));
  return `${toJson({ ...head, copies }, 2)}\n`;
}

async function run(
  source: Source,
  legs: readonly Leg[],
  { json, showsProgress, verifies }: RunOptions,
): Promise<number> {
  using events = new Events(json);
  const trees = SourceTrees.live(source.fd);
  const all: Done = { actions: [], leftOut: [] };
  const verified = await toItsEnd(all, events, async () => {
    let count = 0;
    for (const { target, plan } of legs) {
      for (const note of plan.notes) say.warn(visible(note));
      for (const { path, reason } of plan.skipped) say.info(`skipped ${visible(path)}: ${reason}`);
      const former = { actions: all.actions.length, leftOut: all.leftOut.length };
      const sides = { trees, persist: target.fd };
      events.tell(() => legToJson(source.name, target.to));
      await act(plan, all, sides, events, showsProgress);
      const actions = all.actions.slice(former.actions);
      if (verifies) count += await verify({ actions }, sides, events, showsProgress);
      const summary = summarizeCopy({ actions, equal: plan.equal }, target.name);
      if (all.leftOut.length > former.leftOut) say.info(summary);
      else say.success(summary);
    }
    return count;
  });
  const plans = legs.map(({ plan }) => plan);
  const sums = sumsOf(all, plans, verifies ? verified : undefined);
  events.tell(() => summaryToJson(sums));
  if (all.leftOut.length > 0) throw notAll(all.leftOut);
  if (verifies) say.success(`${plural(verified, "path")} read back and right`);
  return 0;
}

function notAll(leftOut: readonly Skipped[]): Failure {
  const lines = leftOut.map(({ path, reason }) => `\n    ${visible(path)}: ${reason}`);
  return new Failure(`Cannot restore everything, these were left out:${lines.join("")}`, {
    hint: "What is there is whole. Run this again for the rest",
  });
}
