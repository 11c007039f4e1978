/**
 * The plan of a rollback by hand: the disk's identity, then one step, the text
 * that boots run as well. That text looks at the state for itself and finishes
 * what an interrupted run began; what is refused here is what a boot need not
 * fear: a root in use, a system that runs from it, a blank one that isn't blank.
 */
import {
  NEXT_SUFFIX,
  ROLLBACK_RESULT,
  ROLLBACK_TOP,
  rollbackParameters,
  rollbackScript,
} from "../boot/rollback.ts";
import type { BtrfsTop, Disk } from "../facts.ts";
import { Refusal } from "../fault.ts";
import type { Plan } from "../plan.ts";
import type { Profile } from "../profile.ts";
import { visible } from "../text.ts";
import { lockIsFree, withLock } from "./lock.ts";
import { identity } from "./subvolumes.ts";

export interface RollbackFacts {
  readonly disk: Disk;
  readonly top: BtrfsTop;
  /** Whether the running system's root is the profile's. */
  readonly runs: boolean;
  /** Where the root subvolume or a part of it is mounted, in any mount namespace. */
  readonly rootMounts: readonly string[];
}

/** The names at the top of the file system that the plan asks about. */
export function namesForRollback({ btrfs }: Profile): string[] {
  return [btrfs.root, btrfs.blank, btrfs.old_roots, btrfs.root + NEXT_SUFFIX];
}

/** @throws Refusal where the root is in use or there is no blank one */
export function planRollback(profile: Profile, profileFile: string, facts: RollbackFacts): Plan {
  refuseInUse(profile, facts);
  refuseUnlessBlank(profile, facts.top);
  refuseStrangers(profile, facts.top);
  const { node } = facts.top;
  const { root, blank } = profile.btrfs;
  const parameters = rollbackParameters(profile, node);
  // Two runs on two disks must not take down each other's directory.
  const top = `${ROLLBACK_TOP}-${facts.disk.kernelName}`;
  return {
    script: "rollback",
    summary: `put a snapshot of ${blank} in the place of ${root} on ${node}`,
    profileFile,
    notes: [],
    checks: [...facts.disk.checks, identity(facts.top), lockIsFree(node, "another rollback")],
    steps: [
      {
        kind: "command",
        why: describe(profile, parameters.keepOld),
        argv: [...withLock(node), "unshare", "--mount", "--propagation", "private", "sh"],
        stdin: rollbackScript({ ...parameters, top, result: resultFile(facts.disk) }),
      },
    ],
  };
}

/** Not the file of the running system's own boot, which is read long after it. */
export function resultFile({ kernelName }: Disk): string {
  return `${ROLLBACK_RESULT}-${kernelName}`;
}

function describe({ btrfs }: Profile, keepOld: boolean): string {
  const fate = keepOld ? `set aside in ${btrfs.old_roots}` : "deleted";
  return `Put a fresh snapshot of ${btrfs.blank} in the place of ${btrfs.root}, which is ${fate} unless nothing was written to it`;
}

function refuseInUse({ btrfs }: Profile, { disk, top, runs, rootMounts }: RollbackFacts): void {
  const action = `Cannot roll back ${btrfs.root} on ${top.node}`;
  if (runs || disk.uses.some(({ vital }) => vital === "running system")) {
    throw new Refusal(`${action}: the running system is on that disk, expected an idle one`, {
      hint: "Its own boot rolls it back; by hand, start from an installer",
    });
  }
  if (rootMounts.length === 0) return;
  const places = [...new Set(rootMounts)].map((place) => visible(place)).join(", ");
  throw new Refusal(`${action}: mounted at ${places}, expected it to be mounted nowhere`, {
    hint: "mount-subvols --unmount takes the tree at the target down",
  });
}

function refuseUnlessBlank({ btrfs }: Profile, top: BtrfsTop): void {
  const action = `Cannot roll back ${btrfs.root} on ${top.node}`;
  const entry = top.entries.get(btrfs.blank);
  const hint = "make-subvols takes the blank snapshot, and says what is wrong with one";
  if (entry === undefined) {
    throw new Refusal(`${action}: there is no ${btrfs.blank}, expected a blank snapshot`, { hint });
  }
  const fault =
    entry.kind !== "subvolume"
      ? "no subvolume"
      : !entry.readOnly
        ? "writable"
        : entry.empty
          ? undefined
          : "not empty";
  if (fault === undefined) return;
  throw new Refusal(
    `${action}: ${btrfs.blank} is ${fault}, expected an empty read-only subvolume`,
    { hint },
  );
}

/** What the text would find too, and leave alone; said here before anybody is asked for a token. */
function refuseStrangers({ btrfs }: Profile, top: BtrfsTop): void {
  const subvolume = ["subvolume"];
  const wanted: Array<[name: string, kinds: string[]]> = [
    [btrfs.root, subvolume],
    [btrfs.root + NEXT_SUFFIX, subvolume],
    [btrfs.old_roots, ["directory", "subvolume"]],
  ];
  for (const [name, kinds] of wanted) {
    const entry = top.entries.get(name);
    if (entry === undefined || kinds.includes(entry.kind)) continue;
    const kind = entry.kind === "directory" ? "a plain directory" : "no directory";
    throw new Refusal(
      `Cannot roll back ${btrfs.root} on ${top.node}: ${name} is ${kind}, expected a ${kinds[0]}`,
      { hint: "Look at it, and move it away" },
    );
  }
}
