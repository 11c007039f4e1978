/**
 * The plan of mount-subvols: the host's tree at a target, as it will be.
 *
 * What is mounted there already and as wanted stays; anything else there, or one
 * of the subvolumes mounted elsewhere, is a reason to refuse: a second mount on
 * top would hide the first, and two views of one subvolume confuse people. What
 * other mount namespaces have mounted harms nothing here and is not asked for.
 */

import { NEXT_SUFFIX } from "../boot/rollback.ts";
import type { Mount, MountFacts } from "../facts.ts";
import { Refusal } from "../fault.ts";
import { textOfLatin1 } from "../latin1.ts";
import type { Check, Plan, Step } from "../plan.ts";
import type { Profile } from "../profile.ts";
import { shellQuote, visible } from "../text.ts";
import { missingOptions } from "./mount-options.ts";
import { mountTree, type WantedMount } from "./mount-tree.ts";
import { fileSystemIdentity, identity } from "./subvolumes.ts";

/** Flags of a mount itself that make a difference to safety; the kernel shows them as they are. */
const SHOWN_FLAGS = ["ro", "nosuid", "nodev", "noexec", "noatime", "nosymfollow"];

/** @throws Refusal */
export function planMount(profile: Profile, profileFile: string, facts: MountFacts): Plan {
  refuseMissing(profile, facts);
  refuseWithoutVfat(facts);
  const tree = mountTree(profile, facts);
  for (const wanted of tree) refuseElsewhere(facts, wanted);
  const missing = tree.filter((wanted) => !isMounted(facts, wanted));
  refuseHiding(facts, missing);
  refuseOtherOptions(profile, facts);
  return {
    script: "mount-subvols",
    summary:
      missing.length === 0
        ? `nothing to do: all is mounted at ${facts.target}`
        : `mount ${missing.map((wanted) => wanted.mountPoint).join(", ")}`,
    profileFile,
    notes: [],
    checks: [identity(facts.top), ...espIdentity(facts), ...facts.top.guards],
    steps: missing.flatMap((wanted) => mountSteps(facts, tree, wanted)),
  };
}

/** @throws Refusal where something that is not the profile's is mounted in the tree */
export function planUnmount(profile: Profile, profileFile: string, facts: MountFacts): Plan {
  const tree = mountTree(profile, facts);
  const found = facts.mounts.filter((mount) => isAtOrBelow(pathOf(mount), facts.target));
  for (const mount of found) refuseForeign(facts, tree, mount);
  const steps = found.reverse().map(
    (mount): Step => ({
      kind: "command",
      why: `Unmount ${pathOf(mount)}`,
      argv: ["umount", pathOf(mount)],
    }),
  );
  return {
    script: "mount-subvols",
    summary:
      steps.length === 0
        ? `nothing to do: nothing is mounted at ${facts.target}`
        : `unmount the tree at ${facts.target}, deepest first`,
    profileFile,
    notes: [],
    checks: [identity(facts.top)],
    steps,
  };
}

function refuseMissing(profile: Profile, { top }: MountFacts): void {
  const wanted = [profile.btrfs.root, ...Object.keys(profile.btrfs.subvolumes)];
  const missing = wanted.filter((name) => top.entries.get(name)?.kind !== "subvolume");
  if (missing.length === 0) return;
  throw new Refusal(
    `Cannot mount the tree: ${top.node} has no subvolume ${missing.map(visible).join(", ")}`,
    {
      hint: top.entries.has(profile.btrfs.root + NEXT_SUFFIX)
        ? "A rollback was interrupted: rollback finishes it"
        : "make-subvols creates what is missing",
    },
  );
}

function espIdentity({ esp }: MountFacts): Check[] {
  return esp === undefined ? [] : [fileSystemIdentity(esp.node, esp.uuid)];
}

/** What is mounted anywhere decides for the whole file system. */
function refuseOtherOptions({ btrfs }: Profile, { mounts, ours }: MountFacts): void {
  const there = mounts.find(({ id }) => ours.has(id));
  if (there === undefined) return;
  const missing = missingOptions(btrfs.mount_options, there.superOptions).join(",");
  if (missing === "") return;
  const place = pathOf(there);
  throw new Refusal(
    `Cannot mount the tree: the file system is mounted at ${visible(place)} without ${missing}, and the first mount of a btrfs decides for all`,
    { hint: `Unmount it, or: mount -o remount,${missing} ${visible(shellQuote(place))}` },
  );
}

function refuseWithoutVfat({ esp, vfat }: MountFacts): void {
  if (esp === undefined || vfat) return;
  throw new Refusal(
    "Cannot mount the ESP: this kernel has no vfat, expected it built in or as a module",
    {
      hint: "Nothing was mounted. --without-esp mounts all but /boot",
    },
  );
}

function refuseElsewhere(facts: MountFacts, wanted: WantedMount): void {
  for (const mount of facts.mounts) {
    if (!wanted.ids.has(mount.id) || textOfLatin1(mount.root) !== wanted.root) continue;
    if (pathOf(mount) === wanted.mountPoint) continue;
    throw new Refusal(
      `Cannot mount ${wanted.what} at ${wanted.mountPoint}: it is mounted at ${visible(pathOf(mount))}, expected it nowhere else`,
    );
  }
}

/** @throws Refusal where something else is mounted there, or the same otherwise */
function isMounted(facts: MountFacts, wanted: WantedMount): boolean {
  const there = facts.mounts.findLast((mount) => pathOf(mount) === wanted.mountPoint);
  if (there === undefined) return false;
  if (!wanted.ids.has(there.id) || textOfLatin1(there.root) !== wanted.root) {
    throw new Refusal(
      `Cannot mount ${wanted.what} at ${wanted.mountPoint}: ${visible(there.source)} (${there.fsType}, ${visible(there.root)}) is mounted there`,
      { hint: "Unmount it first, or name another place with --target" },
    );
  }
  const differing = SHOWN_FLAGS.filter(
    (flag) => there.options.includes(flag) !== wanted.options.includes(flag),
  );
  if (differing.length === 0) return true;
  throw new Refusal(
    `Cannot mount ${wanted.what} at ${wanted.mountPoint}: it is mounted there with other options (${differing.join(", ")})`,
    { hint: "mount-subvols --unmount takes the tree down" },
  );
}

/** Mounting a parent over its mounted children would hide them. */
function refuseHiding(facts: MountFacts, missing: readonly WantedMount[]): void {
  for (const { what, mountPoint } of missing) {
    const hidden = facts.mounts.find((mount) => isAtOrBelow(pathOf(mount), `${mountPoint}/`));
    if (hidden === undefined) continue;
    throw new Refusal(
      `Cannot mount ${what} at ${mountPoint}: it would hide what is mounted at ${visible(pathOf(hidden))}`,
    );
  }
}

function refuseForeign(facts: MountFacts, tree: readonly WantedMount[], mount: Mount): void {
  const isOurs = tree.some(({ ids }) => ids.has(mount.id)) || facts.ours.has(mount.id);
  const isEsp = mount.fsType === "vfat" && pathOf(mount) === `${facts.target}/boot`;
  if (isOurs || isEsp) return;
  throw new Refusal(
    `Cannot unmount the tree at ${facts.target}: ${visible(mount.source)} (${mount.fsType}) is mounted at ${visible(pathOf(mount))}, which the profile doesn't know`,
    { hint: "Unmount that first" },
  );
}

function mountSteps(facts: MountFacts, tree: readonly WantedMount[], wanted: WantedMount): Step[] {
  const { what, mountPoint, fsType, node, options } = wanted;
  const parent = tree.findLast((other) => mountPoint.startsWith(`${other.mountPoint}/`));
  return [
    {
      kind: "check",
      why: `See that no symbolic link leads away from ${mountPoint}`,
      check: {
        what: `where ${mountPoint} leads`,
        argv: ["readlink", "--canonicalize-missing", mountPoint],
        expected: mountPoint,
      },
    },
    {
      kind: "command",
      why: `Make the mount point ${mountPoint}`,
      argv: ["mkdir", "--parents", mountPoint],
    },
    {
      kind: "check",
      why: `See that nothing is mounted at ${mountPoint}`,
      check: {
        what: `the mount that holds ${mountPoint}`,
        argv: [
          "findmnt",
          "--noheadings",
          "--first-only",
          "--output",
          "TARGET",
          "--target",
          mountPoint,
        ],
        expected: parent?.mountPoint ?? mountHolding(facts),
      },
    },
    {
      kind: "command",
      why: `Mount ${what}`,
      argv: ["mount", "--types", fsType, "--options", options.join(","), node, mountPoint],
    },
  ];
}

/** The mount point that the target lies in. */
function mountHolding({ mounts, target }: MountFacts): string {
  const holding = mounts.map(pathOf).filter((path) => isAtOrBelow(target, path));
  return holding.reduce((longest, path) => (path.length > longest.length ? path : longest), "/");
}

function isAtOrBelow(path: string, folder: string): boolean {
  const prefix = folder.endsWith("/") ? folder : `${folder}/`;
  return `${path}/`.startsWith(prefix);
}

function pathOf(mount: Mount): string {
  return textOfLatin1(mount.mountPoint);
}
