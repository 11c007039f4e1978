/**
 * What is right by itself and wrong together: settings that contradict each other.
 *
 * Each rule names both keys, because either may be the mistake. A rule runs as soon
 * as the tables it needs are sound, so that one misspelt key elsewhere hides nothing.
 */
import type { Profile } from "../profile.ts";
import { hasSwapFile, SWAP_MOUNT, SWAP_SUBVOLUME } from "../swap-file.ts";
import type { KeyPath, ProfileFault } from "./fault.ts";
import { keyText } from "./fault.ts";
import { optionClash } from "./mount-options.ts";
import { isWithin } from "./paths.ts";
import { persistFaults } from "./persist-lists.ts";

/** @param sound the tables of a profile that are without fault by themselves */
export function contradictions(sound: Partial<Profile>): ProfileFault[] {
  const { btrfs, disk, persist, rollback, users } = sound;
  const faults: ProfileFault[] = [];
  if (btrfs) faults.push(...nameClashes(btrfs), ...mountClashes(btrfs), ...optionClashes(btrfs));
  if (btrfs && disk) faults.push(...swapFileClashes(btrfs, disk), ...mapperClashes(btrfs, disk));
  if (btrfs && persist) faults.push(...persistRootFaults(btrfs, persist));
  if (persist) faults.push(...persistFaults(persist, btrfs));
  if (rollback && persist) faults.push(...moduleClashes(rollback, persist));
  if (btrfs && users) faults.push(...passwordFaults(btrfs, users));
  return faults;
}

function nameClashes(btrfs: Profile["btrfs"]): ProfileFault[] {
  const faults: ProfileFault[] = [];
  const taken = new Map<string, string>();
  for (const key of ["root", "blank", "old_roots"] as const) {
    const name = btrfs[key];
    const other = taken.get(name);
    if (other !== undefined) {
      faults.push({
        path: ["btrfs", key],
        message: `is "${name}" as btrfs.${other} is, expected two different names`,
      });
    }
    taken.set(name, key);
    if (Object.hasOwn(btrfs.subvolumes, name)) {
      const path = keyText(["btrfs", "subvolumes", name]);
      faults.push({
        path: ["btrfs", key],
        message: `is "${name}", but ${path} is to survive, expected two different names`,
      });
    }
  }
  return faults;
}

function mountClashes(btrfs: Profile["btrfs"]): ProfileFault[] {
  const taken = new Map<string, string>();
  const faults: ProfileFault[] = [];
  for (const [name, { mount }] of Object.entries(btrfs.subvolumes)) {
    const other = taken.get(mount);
    if (other === undefined) taken.set(mount, name);
    else {
      faults.push({
        path: ["btrfs", "subvolumes", name],
        message: `is mounted at ${mount} as ${keyText(["btrfs", "subvolumes", other])} is, expected one subvolume for each place`,
      });
    }
  }
  return faults;
}

function optionClashes(btrfs: Profile["btrfs"]): ProfileFault[] {
  const lists: [KeyPath, readonly string[]][] = [
    [["btrfs", "mount_options"], btrfs.mount_options],
    ...Object.entries(btrfs.subvolumes).map(([name, { options }]): [KeyPath, string[]] => [
      ["btrfs", "subvolumes", name, "options"],
      options,
    ]),
  ];
  return lists.flatMap(([path, options]) => {
    const clash = optionClash(options);
    if (clash === undefined) return [];
    const [a, b] = clash;
    const message =
      a === b ? `has ${a} twice, expected it once` : `has both ${a} and ${b}, expected one of them`;
    return [{ path, message }];
  });
}

function swapFileClashes(btrfs: Profile["btrfs"], disk: Profile["disk"]): ProfileFault[] {
  if (!hasSwapFile({ disk })) return [];
  const because = 'disk.swap.kind = "file" puts the swap file';
  const faults: ProfileFault[] = [];
  for (const key of ["root", "blank", "old_roots"] as const) {
    if (btrfs[key] !== SWAP_SUBVOLUME) continue;
    faults.push({
      path: ["btrfs", key],
      message: `is "${SWAP_SUBVOLUME}", where ${because}, expected another name`,
    });
  }
  for (const [name, { mount }] of Object.entries(btrfs.subvolumes)) {
    if (name !== SWAP_SUBVOLUME && mount !== SWAP_MOUNT) continue;
    faults.push({
      path: ["btrfs", "subvolumes", name],
      message: `is where ${because} (subvolume ${SWAP_SUBVOLUME} at ${SWAP_MOUNT}), expected another name and place`,
    });
  }
  return faults;
}

function mapperClashes(btrfs: Profile["btrfs"], disk: Profile["disk"]): ProfileFault[] {
  if (disk.encryption === undefined || btrfs.device === undefined) return [];
  const opened = `/dev/mapper/${disk.encryption.mapper}`;
  if (btrfs.device === opened) return [];
  return [
    {
      path: ["btrfs", "device"],
      // Any other name makes the initrd wait for the device before it asks for the passphrase.
      message: `is ${btrfs.device}, but disk.encryption.mapper opens the file system as ${opened}, expected that`,
    },
  ];
}

function persistRootFaults(btrfs: Profile["btrfs"], persist: Profile["persist"]): ProfileFault[] {
  if (survives(btrfs, persist.root)) return [];
  return [
    {
      path: ["persist", "root"],
      message: `is ${persist.root}, which is on none of btrfs.subvolumes and would be wiped, expected a place on ${places(btrfs)}`,
    },
  ];
}

function moduleClashes(rollback: Profile["rollback"], persist: Profile["persist"]): ProfileFault[] {
  if (persist.module !== "preservation" || rollback.stage1 === "systemd") return [];
  return [
    {
      path: ["persist", "module"],
      message: `is "preservation", which works in a systemd stage 1 only, but rollback.stage1 is "${rollback.stage1}"`,
    },
  ];
}

function passwordFaults(btrfs: Profile["btrfs"], users: Profile["users"]): ProfileFault[] {
  return Object.entries(users).flatMap(([name, { password_file: file }]) => {
    if (file === undefined || survives(btrfs, file)) return [];
    return [
      {
        path: ["users", name, "password_file"],
        message: `lies on none of btrfs.subvolumes and would be wiped, expected a file on ${places(btrfs)}`,
      },
    ];
  });
}

function survives(btrfs: Profile["btrfs"], path: string): boolean {
  return Object.values(btrfs.subvolumes).some(({ mount }) => isWithin(path, mount));
}

function places(btrfs: Profile["btrfs"]): string {
  return (
    Object.values(btrfs.subvolumes)
      .map(({ mount }) => mount)
      .join(", ") || "a surviving subvolume"
  );
}
