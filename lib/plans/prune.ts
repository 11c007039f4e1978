/**
 * The plan of old-roots prune: which old roots go, and each subvolume of them by its
 * id, the innermost first. Decides as lib/boot/prune.sh does, which runs daily.
 *
 * A path is never what is deleted: an id is given to one subvolume only, ever, and
 * just before it goes the file system must say that it still lies where it was seen.
 * A run that ends between two steps leaves a root that has lost what was nested in
 * it, under its name, for the next run.
 */
import type { Clock } from "../clock.ts";
import type { BtrfsTop, Disk } from "../facts.ts";
import { Refusal } from "../fault.ts";
import { keepsNone, rootsToPrune } from "../old-roots.ts";
import type { Check, Plan, Step } from "../plan.ts";
import type { Profile } from "../profile.ts";
import { ageText } from "../report/old-roots.ts";
import { plural, visible } from "../text.ts";
import { lockIsFree } from "./lock.ts";
import { fileSystemIdentity } from "./subvolumes.ts";

export interface PrunableRoot {
  readonly name: string;
  readonly time: Date;
  /** The root's own first, and each behind the one that it is nested in. */
  readonly subvolumes: readonly Subvolume[];
  /** Why it can't be deleted, whatever its age. */
  readonly obstacle: string | undefined;
}

export interface Subvolume {
  readonly tree: number;
  /** Shows its path below the top. */
  readonly place: Check;
}

export interface PruneFacts {
  readonly disk: Disk;
  readonly top: Pick<BtrfsTop, "node" | "uuid" | "guards">;
  /** Inode number of the directory of old roots; undefined where there is none. */
  readonly directory: bigint | undefined;
  readonly roots: readonly PrunableRoot[];
}

/** What is to go. */
export interface Due {
  /** The oldest first. */
  readonly roots: readonly PrunableRoot[];
  /** Those that would, and can't. */
  readonly stuck: readonly PrunableRoot[];
}

/** @throws Refusal where roots would go by age, and the clock isn't known to be right */
export function dueRoots({ rollback, btrfs }: Profile, facts: PruneFacts, clock: Clock): Due {
  const { keep } = rollback;
  const byAge = keep.days > 0 && facts.roots.length > keep.at_least;
  if (byAge && !keepsNone(keep)) refuseUnlessRight(clock, facts, btrfs.old_roots);
  const names = facts.roots.map(({ name }) => name);
  const due = rootsToPrune(names, keep, clock.now, 0).map(
    (name) => facts.roots.find((root) => root.name === name)!,
  );
  return {
    roots: due.filter(({ obstacle }) => obstacle === undefined),
    stuck: due.filter(({ obstacle }) => obstacle !== undefined),
  };
}

/** @param freed what deleting them frees, as the end of a sentence */
export function planPrune(
  { btrfs }: Profile,
  profileFile: string,
  facts: PruneFacts,
  { due: { roots, stuck }, freed, now }: { due: Due; freed: string; now: Date },
): Plan {
  const { node } = facts.top;
  const directory = btrfs.old_roots;
  const steps = roots.flatMap((root) => deletion(root, directory, now));
  return {
    script: "old-roots prune",
    summary:
      roots.length === 0
        ? `nothing to do: no old root on ${node} is to be deleted`
        : `delete ${plural(roots.length, "old root")} on ${node}, which ${freed}`,
    profileFile,
    notes: stuck.map(({ name, obstacle }) => `${directory}/${name} stays, though due: ${obstacle}`),
    checks: [
      ...facts.disk.checks,
      fileSystemIdentity(facts.top.node, facts.top.uuid),
      ...facts.top.guards,
      lockIsFree(node, "a rollback"),
      ...(facts.directory === undefined ? [] : [isPlainDirectory(directory, facts.directory)]),
      ...roots.map(({ subvolumes }) => subvolumes[0]!.place),
    ],
    topOf: node,
    steps: steps.length === 0 ? [] : [...steps, sync()],
  };
}

function refuseUnlessRight(
  { now, isSynchronised }: Clock,
  { roots }: PruneFacts,
  directory: string,
): void {
  const action = "Cannot prune old roots by their age";
  if (!isSynchronised) {
    throw new Refusal(`${action}: the clock isn't known to be right, expected it synchronised`, {
      hint: "timedatectl and chronyc tracking show what sets it; with rollback.keep.days = 0 no clock is needed",
    });
  }
  const future = roots.find(({ time }) => time > now);
  if (future === undefined) return;
  throw new Refusal(
    `${action}: the clock is behind ${visible(`${directory}/${future.name}`)}, which was set aside before`,
    { hint: "Set the clock; or look at that root, and delete it by hand if its time is wrong" },
  );
}

function deletion({ name, time, subvolumes }: PrunableRoot, directory: string, now: Date): Step[] {
  const whole = `${directory}/${name}`;
  return subvolumes.toReversed().flatMap(({ tree, place }): Step[] => {
    const isRoot = tree === subvolumes[0]!.tree;
    const what = isRoot
      ? `${whole}, ${ageText(time, now)}`
      : `${visible(place.expected)}, nested in ${whole}`;
    return [
      { kind: "check", why: `See that subvolume ${tree} is where it was`, check: place },
      { kind: "delete-subvolume", why: `Delete ${what}`, id: tree },
    ];
  });
}

function isPlainDirectory(name: string, inode: bigint): Check {
  return {
    what: `the type and inode of ${name}`,
    argv: ["stat", "--format", "%F %i", { top: name }],
    expected: `directory ${inode}`,
  };
}

function sync(): Step {
  return {
    kind: "command",
    why: "Have it on the disk; the space is freed by and by",
    argv: ["btrfs", "filesystem", "sync", { top: "" }],
  };
}
