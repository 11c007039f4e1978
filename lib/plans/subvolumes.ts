/**
 * The plan of make-subvols: the subvolumes that are missing, then the blank
 * snapshot. Nothing that exists is changed, so it needs nobody's agreement, and
 * whatever an interrupted run has made is what the next one need not make.
 *
 * The blank snapshot appears in one call, read-only from its first moment. On a
 * system that is adopted, whose root has content, it is taken of a fresh
 * subvolume instead: a blank one need not descend from root.
 */

import { NEXT_SUFFIX } from "../boot/rollback.ts";
import { type BtrfsTop, LIST_NAMES, type TopEntry } from "../facts.ts";
import { Refusal } from "../fault.ts";
import type { Check, Plan, Step, Word } from "../plan.ts";
import type { Profile } from "../profile.ts";
import { hasSwapFile, SWAP_SUBVOLUME } from "../swap-file.ts";

/** A fresh subvolume, there for the time between two calls; told by its name and by being empty. */
const SEED_SUFFIX = ".blankroot-new";

export function namesAtTop(profile: Profile): string[] {
  const { root, blank } = profile.btrfs;
  return [...wantedNames(profile), root + NEXT_SUFFIX, blank, blank + SEED_SUFFIX];
}

/** But for the blank one, which is made of root. */
function wantedNames(profile: Profile): string[] {
  const { root, subvolumes } = profile.btrfs;
  const swap = hasSwapFile(profile) ? [SWAP_SUBVOLUME] : [];
  return [...Object.keys(subvolumes), ...swap, root];
}

/** @throws Refusal where a name is taken by something else, or the blank one is not blank */
export function planSubvolumes(profile: Profile, profileFile: string, top: BtrfsTop): Plan {
  const { root, blank } = profile.btrfs;
  const wanted = wantedNames(profile);
  for (const name of [...wanted, blank]) refuseUnlessSubvolume(top, name);
  refuseUnlessBlank(top, blank);
  refuseHalfway(top, root);
  const missing = wanted.filter((name) => !top.entries.has(name));
  const creation = missing.map((name) => create(name, `Create the subvolume ${name}`));
  const steps = [...creation, ...takeBlank(profile, top)];
  return {
    script: "make-subvols",
    summary: summarize(missing, top.entries.has(blank), profile),
    profileFile,
    notes: [],
    checks: [
      identity(top),
      ...top.guards,
      sameNames(top),
      ...(top.entries.has(blank) ? blankChecks(blank) : []),
    ],
    topOf: top.node,
    steps: steps.length === 0 ? [] : [...steps, sync()],
  };
}

/** An empty root of ours would be set aside by the rollback that has one ready. */
function refuseHalfway(top: BtrfsTop, root: string): void {
  if (top.entries.has(root) || !top.entries.has(root + NEXT_SUFFIX)) return;
  throw new Refusal(
    `Cannot create ${root} on ${top.node}: a rollback was interrupted, and has its successor ready`,
    { hint: "The next boot finishes it, or rollback by hand" },
  );
}

function summarize(missing: readonly string[], hasBlank: boolean, { btrfs }: Profile): string {
  const made = [...missing, ...(hasBlank ? [] : [`the blank snapshot ${btrfs.blank}`])];
  return made.length === 0
    ? "nothing to do: all subvolumes are there"
    : `create ${made.join(", ")}`;
}

function takeBlank(profile: Profile, top: BtrfsTop): Step[] {
  const { root, blank } = profile.btrfs;
  const seed = blank + SEED_SUFFIX;
  const leftover = top.entries.get(seed);
  if (leftover !== undefined) refuseUnlessSeed(top, seed, leftover);
  const removal = leftover === undefined ? [] : [removeSeed(seed)];
  if (top.entries.has(blank)) return removal;
  const [readOnly, empty] = blankChecks(blank);
  const checks = [
    checkStep(readOnly, `See that ${blank} is read-only`),
    checkStep(empty, `See that ${blank} is empty`),
  ];
  if (top.entries.get(root)?.empty !== false) {
    const reason = `Take the blank snapshot ${blank} of the empty ${root}, read-only`;
    return [
      checkStep(isEmpty(root), `See that ${root} is still empty`),
      snapshot(root, blank, reason),
      ...checks,
      ...removal,
    ];
  }
  const makeSeed =
    leftover === undefined
      ? [create(seed, `${root} has content: begin with a fresh subvolume`)]
      : [];
  return [
    ...makeSeed,
    checkStep(isEmpty(seed), `See that ${seed} is empty`),
    snapshot(seed, blank, `Take the blank snapshot ${blank} of it, read-only`),
    ...checks,
    removeSeed(seed),
  ];
}

function refuseUnlessSubvolume(top: BtrfsTop, name: string): void {
  const entry = top.entries.get(name);
  if (entry === undefined || entry.kind === "subvolume") return;
  const kind = entry.kind === "directory" ? "a plain directory" : "no directory";
  throw new Refusal(
    `Cannot make the subvolume ${name} on ${top.node}: ${name} is ${kind}, expected a subvolume or nothing`,
  );
}

function refuseUnlessBlank(top: BtrfsTop, blank: string): void {
  const entry = top.entries.get(blank);
  if (entry === undefined) return;
  if (!entry.empty) {
    throw new Refusal(
      `Cannot use ${blank} on ${top.node} as the blank snapshot: it holds something, expected an empty subvolume`,
      {
        hint: "Name another one as btrfs.blank, it will be made; or delete it if nothing needs it",
      },
    );
  }
  if (!entry.readOnly) {
    throw new Refusal(
      `Cannot use ${blank} on ${top.node} as the blank snapshot: it is writable, expected a read-only one`,
      { hint: "btrfs property set -ts SUBVOLUME ro true makes it so" },
    );
  }
}

function refuseUnlessSeed(top: BtrfsTop, seed: string, entry: TopEntry): void {
  if (entry.kind === "subvolume" && entry.empty && !entry.readOnly) return;
  throw new Refusal(
    `Cannot go on with ${seed} on ${top.node}: it is not the empty subvolume that an interrupted run leaves`,
    { hint: "Look at it, and move it away" },
  );
}

function create(name: string, why: string): Step {
  return { kind: "command", why, argv: ["btrfs", "subvolume", "create", at(name)] };
}

function snapshot(source: string, target: string, why: string): Step {
  const argv = ["btrfs", "subvolume", "snapshot", "-r", at(source), at(target)];
  return { kind: "command", why, argv };
}

function removeSeed(seed: string): Step {
  // rmdir deletes a subvolume only while it is empty.
  const argv = ["rmdir", at(seed)];
  return { kind: "command", why: `Remove ${seed}, which is empty and has served`, argv };
}

function sync(): Step {
  return {
    kind: "command",
    why: "Have all of it on the disk",
    argv: ["btrfs", "filesystem", "sync", at("")],
  };
}

export function identity({ node, uuid }: BtrfsTop): Check {
  return fileSystemIdentity(node, uuid);
}

export function fileSystemIdentity(node: string, uuid: string): Check {
  return {
    what: `the UUID of the file system on ${node}`,
    argv: ["blkid", "--probe", "--match-tag", "UUID", "--output", "value", node],
    expected: uuid,
  };
}

/** A snapshot whose target exists would land inside it: no name may have come or gone. */
function sameNames({ node, listing }: BtrfsTop): Check {
  return {
    what: `the names at the top of ${node}`,
    argv: [...LIST_NAMES, at("")],
    expected: listing,
  };
}

function blankChecks(blank: string): [readOnly: Check, empty: Check] {
  const readOnly = {
    what: `the read-only property of ${blank}`,
    argv: ["btrfs", "property", "get", "-ts", at(blank), "ro"],
    expected: "ro=true",
  };
  return [readOnly, isEmpty(blank)];
}

function isEmpty(name: string): Check {
  return { what: `the content of ${name}`, argv: ["ls", "--almost-all", at(name)], expected: "" };
}

function checkStep(check: Check, why: string): Step {
  return { kind: "check", why, check };
}

function at(name: string): Word {
  return { top: name };
}
