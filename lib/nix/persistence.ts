/**
 * What is kept, by impermanence or preservation, from the same lists of the profile.
 *
 * preservation mounts in stage 2, so what the activation of the system reads before
 * that must be named to it: the maps of uids and gids, and the machine id. It would also
 * give each entry owner and mode at every boot, its own defaults where none are said, and
 * open a private file to all: with the colon of tmpfiles.d(5) before them they are for
 * what has to be made, as impermanence has it and the profile says.
 */
import { MACHINE_ID } from "../boot/machine-id.ts";
import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { type Attribute, attribute, Commented, NixSet, type NixValue, set } from "./text.ts";

type Entry = Profile["persist"]["directories"][number];

/** Where NixOS keeps which user had which uid. */
export const ID_MAPS = "/var/lib/nixos";
/** preservation's own defaults. */
const MADE_MODES = { directory: "0755", file: "0644" } as const;
const SSH_HOST_KEY = /^\/etc\/ssh\/ssh_host_[a-z0-9]+_key(?:\.pub)?$/;

/** Whether the machine id is to be put in its place in stage 1 by a text of ours. */
export function placesMachineId({ persist }: Pick<Profile, "persist">): boolean {
  return persist.module === "impermanence" && keepsMachineId(persist);
}

export function persistenceAttributes({ persist }: Profile): Attribute[] {
  return persist.module === "impermanence" ? impermanence(persist) : preservation(persist);
}

/** The lists alone, for a configuration that has the rest. */
export function listAttributes({ persist }: Pick<Profile, "persist">): Attribute[] {
  const { module, root } = persist;
  const path =
    module === "impermanence"
      ? ["environment", "persistence", root]
      : ["preservation", "preserveAt", root];
  const lists = module === "impermanence" ? impermanentLists(persist) : preservedLists(persist);
  return [{ path, value: new NixSet(lists), comment: remarkOn(persist) }];
}

function impermanence(persist: Profile["persist"]): Attribute[] {
  return [
    {
      path: ["environment", "persistence", persist.root],
      value: new NixSet([attribute("hideMounts", true), ...impermanentLists(persist)]),
      comment: remarkOn(persist),
    },
  ];
}

function impermanentLists({ directories, files }: Profile["persist"]): Attribute[] {
  const paths = files.map(({ path }) => path).filter((path) => path !== MACHINE_ID);
  return [
    ...listAttribute(
      "directories",
      directories.map((entry) => entryValue("directory", entry, {})),
    ),
    ...listAttribute("files", paths),
  ];
}

function preservedLists({ directories, files }: Profile["persist"]): Attribute[] {
  return [
    ...listAttribute("directories", directories.map(preservedDirectory)),
    ...listAttribute("files", files.map(preservedFile)),
  ];
}

function preservation(persist: Profile["persist"]): Attribute[] {
  return [
    attribute(
      "preservation",
      new NixSet([
        attribute("enable", true),
        { path: ["preserveAt", persist.root], value: new NixSet(preservedLists(persist)) },
      ]),
    ),
    ...(keepsMachineId(persist)
      ? [
          attribute(
            "systemd.suppressedSystemUnits",
            ["systemd-machine-id-commit.service"],
            "It takes the mount of the kept id for one that has yet to be written, and fails.",
          ),
        ]
      : []),
  ];
}

function preservedDirectory(entry: Entry): NixValue {
  const value = preserved("directory", entry, isWithin(ID_MAPS, entry.path));
  if (!isWithin(ID_MAPS, entry.path)) return value;
  return new Commented("Users are made before stage 2 mounts anything.", value);
}

function preservedFile(entry: Entry): NixValue {
  if (entry.path === MACHINE_ID) {
    const value = preserved("file", entry, true);
    return new Commented("Later, every boot would look like the first.", value);
  }
  if (!SSH_HOST_KEY.test(entry.path)) return preserved("file", entry, false);
  const value = entryValue("file", entry, { how: "symlink", configureParent: true });
  return new Commented("A link, for where there is none yet, sshd makes it.", value);
}

function preserved(key: keyof typeof MADE_MODES, entry: Entry, inInitrd: boolean): NixValue {
  const { path, user = "root", group = "root", mode = MADE_MODES[key] } = entry;
  const owner = { user: `:${user}`, group: `:${group}`, mode: `:${mode}` };
  return set({ [key]: path, ...owner, ...(inInitrd ? { inInitrd } : {}) });
}

/** A plain path where there is no more to say. */
function entryValue(
  key: "directory" | "file",
  { path, user, group, mode }: Entry,
  more: Readonly<Record<string, NixValue>>,
): NixValue {
  const owner = Object.entries({ user, group, mode }).filter(
    (each): each is [string, string] => each[1] !== undefined,
  );
  if (owner.length === 0 && Object.keys(more).length === 0) return path;
  return set({ [key]: path, ...Object.fromEntries(owner), ...more });
}

function listAttribute(name: string, items: readonly NixValue[]): Attribute[] {
  return items.length === 0 ? [] : [attribute(name, items)];
}

/** On what the lists leave out. */
function remarkOn(persist: Profile["persist"]): string | undefined {
  return placesMachineId({ persist })
    ? `Not ${MACHINE_ID}, which has to be there before this: see machine-id.sh.`
    : undefined;
}

function keepsMachineId({ files }: Profile["persist"]): boolean {
  return files.some(({ path }) => path === MACHINE_ID);
}
