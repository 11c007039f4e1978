/**
 * The lists of what is kept: what in them contradicts itself, the subvolumes, or `ignore`.
 *
 * A path on a surviving subvolume is refused although it would do no harm there: the
 * root subvolume never holds it, so whoever lists it believes something untrue.
 */
import type { Profile } from "../profile.ts";
import type { KeyPath, ProfileFault } from "./fault.ts";
import { keyText } from "./fault.ts";
import { overlaps } from "./ignore.ts";
import { isWithin } from "./paths.ts";

type Entry = Profile["persist"]["directories"][number];

interface Listed {
  readonly key: KeyPath;
  readonly kind: "directories" | "files";
  readonly entry: Entry;
}

/** @param btrfs undefined where that table is at fault itself */
export function persistFaults(
  persist: Profile["persist"],
  btrfs: Profile["btrfs"] | undefined,
): ProfileFault[] {
  const listed = [...entriesOf(persist, "directories"), ...entriesOf(persist, "files")];
  return [
    ...duplicates(listed),
    ...belowFiles(listed),
    ...listed.flatMap((one) => placeFaults(one, persist, btrfs)),
    ...ownerFaults(persist, listed),
    ...ignoreFaults(persist.ignore, listed),
  ];
}

function entriesOf(persist: Profile["persist"], kind: Listed["kind"]): Listed[] {
  return persist[kind].map((entry, index) => ({ key: ["persist", kind, index], kind, entry }));
}

function duplicates(listed: readonly Listed[]): ProfileFault[] {
  const seen = new Map<string, Listed>();
  return listed.flatMap((one) => {
    const other = seen.get(one.entry.path);
    seen.set(one.entry.path, other ?? one);
    if (other === undefined) return [];
    return [
      {
        path: one.key,
        message: `is ${one.entry.path}, as ${keyText(other.key)} is, expected it once`,
      },
    ];
  });
}

function belowFiles(listed: readonly Listed[]): ProfileFault[] {
  const files = listed.filter(({ kind }) => kind === "files");
  return listed.flatMap((one) => {
    const file = files.find(
      ({ entry }) => entry.path !== one.entry.path && isWithin(one.entry.path, entry.path),
    );
    if (file === undefined) return [];
    const message = `is ${one.entry.path}, below the file of ${keyText(file.key)}, expected that to be a directory`;
    return [{ path: one.key, message }];
  });
}

function placeFaults(
  { key, entry: { path } }: Listed,
  persist: Profile["persist"],
  btrfs: Profile["btrfs"] | undefined,
): ProfileFault[] {
  if (isWithin(path, persist.root)) {
    return [
      { path: key, message: `is ${path}, within persist.root itself, expected a path outside` },
    ];
  }
  if (isWithin(persist.root, path)) {
    return [
      { path: key, message: `is ${path}, which holds persist.root, expected a path beside it` },
    ];
  }
  const holder = Object.entries(btrfs?.subvolumes ?? {}).find(([, { mount }]) =>
    isWithin(path, mount),
  );
  if (holder === undefined) return [];
  const subvolume = keyText(["btrfs", "subvolumes", holder[0]]);
  return [
    {
      path: key,
      message: `is ${path}, which survives on ${subvolume} already, expected it left out`,
    },
  ];
}

/** impermanence binds a file as it lies in the persist root; only preservation sets its owner. */
function ownerFaults(persist: Profile["persist"], listed: readonly Listed[]): ProfileFault[] {
  if (persist.module !== "impermanence") return [];
  return listed.flatMap(({ key, kind, entry }) => {
    if (kind !== "files") return [];
    const set = (["user", "group", "mode"] as const).filter((name) => entry[name] !== undefined);
    return set.map((name) => ({
      path: [...key, name],
      message: `has no effect where persist.module is "impermanence": a file keeps the ${name} it has, expected it left out`,
    }));
  });
}

function ignoreFaults(ignore: readonly string[], listed: readonly Listed[]): ProfileFault[] {
  return ignore.flatMap((pattern, index) => {
    const both = listed.filter(({ entry, kind }) =>
      overlaps(pattern, entry.path, kind === "directories"),
    );
    return both.map(({ key, entry }) => ({
      path: ["persist", "ignore", index],
      message: `is "${pattern}", which overlaps ${entry.path} of ${keyText(key)}, expected a path to be kept or ignored`,
    }));
  });
}
