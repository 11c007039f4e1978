/**
 * The host profile: one schema for all that a profile can say.
 *
 * TOML's own key names are kept, so that an error, the file and the code speak of
 * the same thing. Shorthands (`nix = "/nix"`, a bare path in a list) are unfolded
 * and sizes become bytes here and nowhere else. Every table is strict: a key that
 * we don't know is a setting that somebody believes to be in force.
 */
import { z } from "zod";
import { contradictions } from "./profile/contradictions.ts";
import type { ProfileFault } from "./profile/fault.ts";
import {
  belowRoot,
  count,
  devicePath,
  fileMode,
  fileSystemOption,
  groupName,
  hostName,
  ignorePattern,
  keymap,
  label,
  locale,
  mapperName,
  mountOption,
  mountPoint,
  partitionSize,
  persistPath,
  sshKey,
  stateVersion,
  subvolumeKey,
  subvolumeName,
  timeZone,
  userKey,
  userName,
} from "./profile/fields.ts";
import { faultsOfIssues } from "./profile/issues.ts";
import { keyFaults } from "./profile/key-faults.ts";

const host = z
  .strictObject({
    name: hostName.describe("Name of the machine: networking.hostName"),
    state_version: stateVersion.describe(
      "Release of NixOS that the machine was first installed with: system.stateVersion",
    ),
    time_zone: timeZone.optional().describe("Time zone, of the tz database: time.timeZone"),
    locale: locale.optional().describe("Locale of the system: i18n.defaultLocale"),
    keymap: keymap.optional().describe("Keyboard layout of the console: console.keyMap"),
    network: z
      .enum(["networkmanager", "networkd", "none"])
      .default("networkmanager")
      .describe('Who configures the network; "none" leaves it to the rest of the configuration'),
    target: belowRoot
      .default("/mnt")
      .describe("Where the new system is mounted during installation"),
  })
  .describe("The machine");

const swap = z
  .strictObject({
    kind: z
      .enum(["partition", "file"])
      .describe("A partition, or a file on a subvolume of its own (named swap, at /swap)"),
    size: partitionSize.describe("Size, such as 8GiB; hibernation needs as much as there is RAM"),
  })
  .describe("Swap space; left out: none");

const encryption = z
  .strictObject({
    mapper: mapperName.describe("Name of the opened LUKS volume below /dev/mapper"),
  })
  .describe("LUKS2 around the file system; left out: none");

const disk = z
  .strictObject({
    device: devicePath.describe(
      "The whole disk, never guessed; a name in /dev/disk/by-id is better where there is one",
    ),
    esp: partitionSize.prefault("1GiB").describe("Size of the EFI system partition, at /boot"),
    label: label
      .default("Butter")
      .describe("Label of the btrfs file system, unique in the machine"),
    swap: swap.optional(),
    encryption: encryption.optional(),
  })
  .describe("The disk that the machine starts from");

const subvolume = z
  .union([
    mountPoint.transform((mount) => ({ mount, options: [] as string[] })),
    z.strictObject({
      mount: mountPoint.describe("Where it is mounted"),
      options: z
        .array(mountOption)
        .default([])
        .describe("Options of this mount alone, such as nosuid; btrfs's own go to mount_options"),
    }),
  ])
  .describe("Where the subvolume is mounted, or that and its mount options");

const btrfs = z
  .strictObject({
    device: devicePath
      .optional()
      .describe("Block device of a file system that blankroot did not make"),
    mount_options: z
      .array(fileSystemOption)
      .default(["compress=zstd", "noatime"])
      .describe("Mount options of the whole file system"),
    root: subvolumeName
      .default("root")
      .describe("Name of the subvolume at /, replaced at every boot"),
    blank: subvolumeName.default("root-blank").describe("Name of its empty read-only snapshot"),
    old_roots: subvolumeName
      .default("old_roots")
      .describe("Name of the directory where former roots wait"),
    subvolumes: z
      .record(subvolumeKey, subvolume)
      .prefault({
        home: { mount: "/home", options: ["nosuid", "nodev"] },
        nix: "/nix",
        persist: "/persist",
        log: "/var/log",
      })
      .describe("The subvolumes that survive, by name; a table of one's own replaces these whole"),
  })
  .describe("The file system and its subvolumes");

const rollback = z
  .strictObject({
    stage1: z
      .enum(["systemd", "scripted"])
      .default("systemd")
      .describe('Kind of the initrd; "scripted" for releases before 26.05'),
    keep: z
      .strictObject({
        days: count(36_500).default(30).describe("Old roots are kept for so many days"),
        at_least: count(10_000).default(3).describe("So many are kept however old they are"),
      })
      .prefault({})
      .describe("Which old roots are kept; both 0: none, they go at once"),
    on_failure: z
      .enum(["boot", "stop"])
      .default("boot")
      .describe('If the rollback fails: "boot" the unwiped root, or "stop" the boot'),
    login: z
      .boolean()
      .default(false)
      .describe("Say in the message of each login what the next boot would take"),
  })
  .describe("The rollback at every boot");

/** A kept path; the rest says how it is made where it is not there yet. */
export interface PersistEntry {
  path: string;
  user?: string | undefined;
  group?: string | undefined;
  /** Octal digits such as `0700`. */
  mode?: string | undefined;
}

const persistEntry = z
  .union([
    persistPath.transform((path): PersistEntry => ({ path })),
    z.strictObject({
      path: persistPath.describe("Where it is, as the running system sees it"),
      user: userName.optional().describe("Owner, where it has to be made"),
      group: groupName.optional().describe("Group, where it has to be made"),
      mode: fileMode.optional().describe("Mode in octal, where it has to be made"),
    }),
  ])
  .describe("A path, or a path with its owner, group and mode");

const persist = z
  .strictObject({
    module: z
      .enum(["impermanence", "preservation"])
      .default("impermanence")
      .describe("The NixOS module that puts kept state back in its place"),
    root: belowRoot
      .default("/persist")
      .describe("Where kept state lies, on one of the surviving subvolumes"),
    directories: z.array(persistEntry).prefault([]).describe("Directories that are kept whole"),
    files: z.array(persistEntry).prefault([]).describe("Files that are kept"),
    ignore: z
      .array(ignorePattern)
      .default([])
      .describe(
        "Paths that are seen and let go, with all beneath them; ? is one character, * any " +
          "within a name, ** any across names, and a backslash takes the next as it is",
      ),
  })
  .describe("State that outlives the boot");

const user = z
  .strictObject({
    wheel: z.boolean().default(false).describe("May use sudo"),
    keys: z.array(sshKey).default([]).describe("Public SSH keys that may log in"),
    password_file: belowRoot
      .optional()
      .describe("File with the hashed password, on a surviving subvolume: hashedPasswordFile"),
  })
  .describe("A user");

const ssh = z
  .strictObject({
    enable: z.boolean().default(false).describe("Run a hardened SSH server: keys only"),
  })
  .describe("The SSH server");

const sections = {
  version: z.literal(1).describe("Version of this format; the file's first key"),
  host,
  disk,
  btrfs: btrfs.prefault({}),
  rollback: rollback.prefault({}),
  persist: persist.prefault({}),
  users: z.record(userKey, user).default({}).describe("Users by name; no others can log in"),
  ssh: ssh.prefault({}),
};

/** The schema; its input is what TOML says, its output a `Profile`. */
export const profileSchema = z.strictObject(sections).describe("Host profile of blankroot");

/** A profile with shorthands unfolded, defaults filled in, and sizes in bytes. */
export type Profile = z.output<typeof profileSchema>;

export type CheckedProfile =
  | { readonly profile: Profile }
  | { readonly faults: readonly ProfileFault[] };

/** Checks what a TOML parser made of a profile. Finds all faults, not only the first. */
export function checkProfile(value: object): CheckedProfile {
  const parsed = profileSchema.safeParse(value);
  const faults = [
    ...keyFaults(value),
    ...(parsed.success ? [] : faultsOfIssues(parsed.error.issues, value, profileSchema)),
  ];
  // A contradiction counts as soon as the tables that it needs are sound by themselves.
  faults.push(...contradictions(parsed.success ? parsed.data : soundSections(value)));
  if (parsed.success && faults.length === 0) return { profile: parsed.data };
  return { faults };
}

function soundSections(value: object): Partial<Profile> {
  const sound: Record<string, unknown> = {};
  for (const [name, schema] of Object.entries(sections)) {
    const own = Object.hasOwn(value, name) ? (value as Record<string, unknown>)[name] : undefined;
    const parsed = schema.safeParse(own);
    if (parsed.success) sound[name] = parsed.data;
  }
  return sound as Partial<Profile>;
}
