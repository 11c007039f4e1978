/** Whether what outlives the boot is mounted, copied, and owned by whom it should be. */
import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { plural } from "../text.ts";
import type { DoctorFacts, Owner, ParentFact, PersistedFact } from "./facts.ts";
import { type Finding, failed, octal, ok, some } from "./finding.ts";

const WRITABLE_BY_OTHERS = 0o022;
const STICKY = 0o1000;

export function mountsFinding({ btrfs }: Profile, { mounted, dir }: DoctorFacts): Finding {
  const faults = Object.entries(btrfs.subvolumes).flatMap(([name, { mount }]) => {
    if (mounted.get(name) === name) return [];
    const other = mounted.get(name);
    if (!mounted.has(name)) return [`nothing is mounted at ${mount}`];
    return [
      `${mount} is ${other === undefined ? "of another file system" : `the subvolume ${other}`}`,
    ];
  });
  const count = Object.keys(btrfs.subvolumes).length;
  if (faults.length === 0)
    return ok("mounts", `${plural(count, "surviving subvolume")} below ${dir}`);
  return failed(
    "mounts",
    `not every surviving subvolume is in its place: ${some(faults)}`,
    "what is written there now goes with the root: fileSystems of the configuration must have it",
  );
}

export function keptFindings(profile: Profile, facts: DoctorFacts): Finding[] {
  const { root } = profile.persist;
  if (!facts.preview.hasPersistRoot) {
    return [
      failed(
        "persist-root",
        `${root} is not there: nothing that is listed has a copy`,
        "mount-subvols, then mkdir it",
      ),
    ];
  }
  return [
    ok("persist-root", `${root} is there`),
    copiesFinding(profile, facts),
    ownersFinding(profile, facts.persisted),
    parentsFinding(facts.parents),
    machineIdFinding(facts),
    idMapsFinding(profile, facts),
  ];
}

function copiesFinding({ persist }: Profile, { preview }: DoctorFacts): Finding {
  const { withoutCopy } = preview;
  const count = persist.directories.length + persist.files.length;
  if (withoutCopy.length === 0) return ok("copies", `${plural(count, "listed path")} with a copy`);
  return failed(
    "copies",
    `${plural(withoutCopy.length, "listed path")} without a copy, which the next boot brings up empty: ${some(withoutCopy)}`,
    "persist-copy copies them",
  );
}

function ownersFinding({ persist }: Profile, persisted: readonly PersistedFact[]): Finding {
  const faults = persisted.flatMap(({ path, copy, wanted }) => {
    if (copy === undefined) return [];
    const difference = differenceOf(copy, {
      uid: wanted.uid ?? copy.uid,
      gid: wanted.gid ?? copy.gid,
      mode: wanted.mode ?? copy.mode,
    });
    return difference === undefined ? [] : [`${persist.root}${path} ${difference}`];
  });
  if (faults.length === 0) return ok("owners", "owners and modes of the copies are the profile's");
  return failed(
    "owners",
    `not as the profile says: ${some(faults)}`,
    "chown and chmod them: nothing does that to what is there already",
  );
}

function parentsFinding(parents: readonly ParentFact[]): Finding {
  const open = parents.filter(
    ({ owner: { mode } }) => (mode & WRITABLE_BY_OTHERS) !== 0 && (mode & STICKY) === 0,
  );
  if (open.length > 0) {
    return failed(
      "parents",
      `others may write to what holds the copies: ${some(open.map(({ path, owner }) => `${path} (${octal(owner.mode)})`))}`,
      "chmod go-w DIRECTORY",
    );
  }
  const faults = parents.flatMap(({ path, owner, inRoot }) => {
    const difference = inRoot === undefined ? undefined : differenceOf(owner, inRoot);
    return difference === undefined ? [] : [`${path} ${difference}`];
  });
  if (faults.length === 0)
    return ok("parents", "the directories above the copies are as in the root");
  return failed(
    "parents",
    `not as in the root, which the next boot makes by them: ${some(faults)}`,
    "chown and chmod them to what the root has",
  );
}

/** The end of a sentence about what is otherwise than expected. */
function differenceOf(found: Owner, expected: Owner): string | undefined {
  if (found.uid !== expected.uid || found.gid !== expected.gid) {
    return `belongs to ${found.uid}:${found.gid}, expected ${expected.uid}:${expected.gid}`;
  }
  if (found.mode === expected.mode) return undefined;
  return `has the mode ${octal(found.mode)}, expected ${octal(expected.mode)}`;
}

function machineIdFinding({ machineId }: DoctorFacts): Finding {
  if (machineId === "valid") return ok("machine-id", "the machine keeps its id");
  const text =
    machineId === "missing"
      ? "/etc/machine-id isn't kept: every boot is another machine's, in its journal and to its network"
      : "the copy of /etc/machine-id holds no id";
  return failed("machine-id", text, "list it in persist.files, and persist-copy /etc/machine-id");
}

function idMapsFinding(profile: Profile, { idMaps }: DoctorFacts): Finding {
  const isKept = [
    ...profile.persist.directories.map(({ path }) => path),
    ...Object.values(profile.btrfs.subvolumes).map(({ mount }) => mount),
  ].some((path) => isWithin("/var/lib/nixos", path));
  if (idMaps.length === 2) return ok("id-maps", "users and groups keep their numbers");
  const text = isKept
    ? "/var/lib/nixos is kept, but has no uid-map and gid-map yet"
    : "/var/lib/nixos isn't kept: users and groups may get other numbers, and files other owners";
  return failed(
    "id-maps",
    text,
    isKept ? "persist-copy /var/lib/nixos" : "list it in persist.directories, and persist-copy it",
  );
}
