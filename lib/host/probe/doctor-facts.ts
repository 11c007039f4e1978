/** Gathers what an examination needs to know, of the running system or of a mounted tree. */
import { constants, openSync, readFileSync } from "node:fs";
import { ROLLBACK_RESULT } from "../../boot/rollback.ts";
import { type RollbackResult, readResult } from "../../boot/rollback-result.ts";
import type {
  BootFacts,
  DoctorFacts,
  MachineFacts,
  RootMount,
  SystemFacts,
} from "../../doctor/facts.ts";
import type { Mount } from "../../facts.ts";
import { Fault } from "../../fault.ts";
import { latin1OfText, textOfLatin1 } from "../../latin1.ts";
import type { Profile } from "../../profile.ts";
import { Handle } from "../at.ts";
import { View } from "../roots/views.ts";
import type { Roots } from "../roots.ts";
import { blockNameOf, mountsOfBtrfs } from "./btrfs-members.ts";
import { commandLine } from "./command-line.ts";
import { filesystemFacts } from "./filesystem-facts.ts";
import { probeLogins } from "./logins.ts";
import { probeMounts } from "./mounts.ts";
import { probeSystem } from "./nixos-system.ts";
import { type Ids, ownerBelow, probePersisted } from "./persisted.ts";
import { probePreviewFacts } from "./preview-facts.ts";
import { runningRoot } from "./running-root.ts";
import { probeRecord } from "./subvolume-state.ts";
import { NEXT_SYSTEM, textInRoot } from "./text-in-root.ts";

const BOOTED_SYSTEM = "/run/booted-system";

/** @param dir `/` for the running system, else the target: canonical */
export function probeDoctorFacts(profile: Profile, roots: Roots, dir: string): DoctorFacts {
  using top = View.ofDevice(roots.device, "read-only");
  using tree = openTree(dir);
  const machine = probeMachineFacts(profile, dir, roots.device);
  const names = { users: idsIn(tree.fd, "/etc/passwd"), groups: idsIn(tree.fd, "/etc/group") };
  return {
    ...machine,
    filesystem: filesystemFacts(roots, systemsOf(machine)),
    preview: probePreviewFacts(profile, roots, new Date()),
    isOfBlank: isOfBlank(roots),
    blankOwner: roots.base === undefined ? undefined : ownerBelow(roots.base, "/"),
    mounted: mountedSubvolumes(profile, roots.device, dir),
    ...probePersisted(profile, roots, top, names),
    ...probeLogins(profile, roots, top),
  };
}

/** @param device of the profile's file system; undefined where it can't be looked at */
export function probeMachineFacts(profile: Profile, dir: string, device?: string): MachineFacts {
  const isRunning = dir === "/";
  using tree = openTree(dir);
  const next = probeSystem(tree.fd, NEXT_SYSTEM);
  const booted = isRunning ? probeSystem(tree.fd, BOOTED_SYSTEM) : undefined;
  const isOther = booted !== undefined && booted.initrdInode !== next?.initrdInode;
  return {
    dir,
    root: rootMount(profile, device, dir),
    boot: isRunning ? bootFacts() : undefined,
    next: next?.facts,
    booted: isOther ? booted.facts : undefined,
    filesystem: undefined,
  };
}

function openTree(dir: string): Handle {
  return new Handle(openSync(dir, constants.O_RDONLY | constants.O_DIRECTORY));
}

function systemsOf({ next, booted }: MachineFacts): SystemFacts[] {
  return [next, booted].filter((system) => system !== undefined);
}

function rootMount(
  profile: Profile,
  device: string | undefined,
  dir: string,
): RootMount | undefined {
  const mount = mountAt(probeMounts(), dir);
  if (mount === undefined) return undefined;
  const isProfiles =
    dir === "/"
      ? runningRoot(profile) !== undefined
      : device !== undefined &&
        isOf(mount, mountsOfDevice(device)) &&
        mount.root === latin1OfText(`/${profile.btrfs.root}`);
  const { fsType, source, root } = mount;
  return { fsType, source: textOfLatin1(source), path: textOfLatin1(root), isProfiles };
}

function isOfBlank({ root, base }: Roots): boolean {
  return base !== undefined && probeRecord(root).parentUuid === probeRecord(base).uuid;
}

function bootFacts(): BootFacts {
  return {
    commandLine: commandLine(),
    bootId: readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    result: resultOfBoot(),
  };
}

function resultOfBoot(): RollbackResult | string | undefined {
  try {
    return readResult(readFileSync(ROLLBACK_RESULT, "utf8"));
  } catch (error) {
    if (error instanceof Fault) return error.message;
    const { code } = error as NodeJS.ErrnoException;
    return code === "ENOENT" ? undefined : `${ROLLBACK_RESULT} can't be read (${code})`;
  }
}

function mountedSubvolumes(profile: Profile, device: string, dir: string): DoctorFacts["mounted"] {
  const mounts = probeMounts();
  const ours = mountsOfDevice(device);
  const mounted = new Map<string, string | undefined>();
  for (const [name, { mount: path }] of Object.entries(profile.btrfs.subvolumes)) {
    const mount = mountAt(mounts, dir === "/" ? path : `${dir}${path}`);
    if (mount === undefined) continue;
    mounted.set(name, isOf(mount, ours) ? textOfLatin1(mount.root.slice(1)) : undefined);
  }
  return mounted;
}

/** Of several at one place the last is on top. */
function mountAt(mounts: readonly Mount[], path: string): Mount | undefined {
  return mounts.findLast(({ mountPoint }) => mountPoint === latin1OfText(path));
}

function mountsOfDevice(device: string): Mount[] {
  const name = blockNameOf(device);
  return name === undefined ? [] : mountsOfBtrfs(name);
}

function isOf(mount: Mount, mounts: readonly Mount[]): boolean {
  return mounts.some(({ id }) => id === mount.id);
}

/** Ids by name, of passwd(5) or group(5); root has the same everywhere. */
function idsIn(tree: number, file: string): Ids {
  const lines = (textInRoot(tree, file) ?? "").split("\n").map((line) => line.split(":"));
  const known = lines.filter(([, , id]) => /^\d+$/.test(id ?? ""));
  return new Map([["root", 0], ...known.map(([name, , id]) => [name!, Number(id)] as const)]);
}
