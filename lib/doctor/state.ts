/** Whether what outlives the boot is mounted, copied, and owned by whom it should be. */
import type { Profile } from "../profile.ts";
import { plural } from "../text.ts";
import type { DoctorFacts, Owner, ParentFact, PersistedFact, Whereabouts } from "./facts.ts";
import { type Finding, failed, octal, ok, some } from "./finding.ts";

const WRITABLE_BY_OTHERS = 0o022;
const WRITABLE_BY_ANYBODY = 0o002;
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
    copiesFinding(facts),
    ownersFinding(profile, facts.persisted),
    parentsFinding(facts.parents),
    machineIdFinding(profile, facts),
    idMapsFinding(facts),
  ];
}

/** What is nowhere yet is no loss: what is made there is kept from the start. */
function copiesFinding({ persisted }: DoctorFacts): Finding {
  const missing = persisted.filter(({ copy }) => copy === undefined);
  const lost = missing.filter(({ isThere }) => isThere).map(({ path }) => path);
  if (lost.length > 0) {
    return failed(
      "copies",
      `${plural(lost.length, "listed path")} without a copy, which the next boot brings up empty: ${some(lost)}`,
      "persist-copy copies them",
    );
  }
  const copies = `${plural(persisted.length - missing.length, "listed path")} with a copy`;
  if (missing.length === 0) return ok("copies", copies);
  const paths = some(missing.map(({ path }) => path));
  return ok("copies", `${copies}; not made yet, and kept from when they are: ${paths}`);
}

function ownersFinding({ persist }: Profile, persisted: readonly PersistedFact[]): Finding {
  const open = persisted.filter(isOpen);
  if (open.length > 0) {
    return failed(
      "owners",
      `others may write to ${some(open.map(({ path, copy }) => `${persist.root}${path} (${octal(copy!.mode)})`))}`,
      "chmod o-w, or give the mode in the profile",
    );
  }
  const faults = persisted.flatMap(({ path, copy, wanted }) => {
    if (copy === undefined) return [];
    const difference = differenceOf(copy, {
      uid: wanted.uid ?? copy.uid,
      gid: wanted.gid ?? copy.gid,
      mode: copy.type === "symlink" ? copy.mode : (wanted.mode ?? copy.mode),
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

/** Whether anybody may change a copy, though neither the profile nor the root has it so. */
function isOpen({ copy, wanted, inRoot }: PersistedFact): boolean {
  if (copy === undefined || copy.type === "symlink") return false;
  if (copy.type === "directory" && (copy.mode & STICKY) !== 0) return false;
  const meant = wanted.mode ?? inRoot?.mode ?? 0;
  return (copy.mode & WRITABLE_BY_ANYBODY & ~meant) !== 0;
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

function machineIdFinding({ persist }: Profile, { machineId }: DoctorFacts): Finding {
  switch (machineId) {
    case "valid":
      return ok("machine-id", "the machine keeps its id");
    case "nowhere":
      return ok("machine-id", "there is no machine-id yet: the next boot makes one and keeps it");
    case "unsaved":
      return failed(
        "machine-id",
        "/etc/machine-id has no copy: the next boot is another machine's",
        "persist-copy /etc/machine-id",
      );
    case "invalid":
      return failed(
        "machine-id",
        "the copy of /etc/machine-id holds no id",
        `persist-copy --update /etc/machine-id, or rm ${persist.root}/etc/machine-id: the next boot makes one`,
      );
    case "unlisted":
      return failed(
        "machine-id",
        "/etc/machine-id isn't kept: every boot is another machine's, in its journal and to its network",
        "list it in persist.files, and persist-copy /etc/machine-id",
      );
  }
}

function idMapsFinding({ idMaps }: DoctorFacts): Finding {
  const are = (where: Whereabouts) => idMaps.filter((each) => each === where).length;
  if (are("unlisted") > 0) {
    return failed(
      "id-maps",
      "/var/lib/nixos isn't kept: users and groups may get other numbers, and files other owners",
      "list it in persist.directories, and persist-copy it",
    );
  }
  if (are("unsaved") > 0) {
    return failed(
      "id-maps",
      "/var/lib/nixos is kept, but its uid-map and gid-map are in the root: users and groups may get other numbers",
      "persist-copy /var/lib/nixos",
    );
  }
  if (are("kept") === idMaps.length) return ok("id-maps", "users and groups keep their numbers");
  if (are("kept") === 0) {
    return ok(
      "id-maps",
      "there are no uid-map and gid-map yet: the next boot makes and keeps them",
    );
  }
  return failed(
    "id-maps",
    "/var/lib/nixos has one of uid-map and gid-map without the other: users or groups may get other numbers",
    "take the other from an old root or a backup",
  );
}
