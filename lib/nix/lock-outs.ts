/**
 * What would lock somebody out, or give files to somebody else, with the next boot:
 * what users and kept state are made from must be there before stage 2 mounts anything.
 */
import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { bootMounts } from "./file-systems.ts";
import { type Guard, guarded } from "./guard.ts";
import { ID_MAPS } from "./persistence.ts";
import { attribute, Expression } from "./text.ts";

const STORE = "/nix/store";

export function lockOutGuards(profile: Profile): Guard[] {
  return [
    ...(holds(profile, STORE) ? [] : [storeGuard()]),
    neededForBootGuard(profile),
    Object.keys(profile.users).length > 0 ? passwordGuard() : noUsersGuard(),
    ...(keepsIdMaps(profile) ? [] : [idMapGuard(profile)]),
  ];
}

/** For a profile that has it on none of its subvolumes; it may be on another disk. */
function storeGuard(): Guard {
  return {
    assertions: [
      guarded(
        `config.fileSystems ? "/nix" || config.fileSystems ? "${STORE}"`,
        `${STORE} is on the root, and gone with the next boot. Give it a file system that survives`,
      ),
    ],
  };
}

function neededForBootGuard(profile: Profile): Guard {
  const areNeeded = `lib.all (place: utils.fsNeededForBoot config.fileSystems.\${place}) neededPlaces`;
  return {
    bindings: [attribute("neededPlaces", [...bootMounts(profile).keys()])],
    assertions: [
      guarded(
        areNeeded,
        `each of \${toString neededPlaces} must be neededForBoot: kept state and users are made from what is there`,
      ),
    ],
  };
}

/** Tools for secrets put theirs below /run, before users are made. */
function passwordGuard(): Guard {
  const places = [
    "[",
    '  "/run"',
    '  "/nix/store"',
    "]",
    "++ lib.attrNames (",
    '  lib.filterAttrs (place: each: place != "/" && utils.fsNeededForBoot each) config.fileSystems',
    ")",
  ];
  const files = [
    "lib.filter (file: file != null && !isEarly file) (",
    "  lib.mapAttrsToList (_: user: user.hashedPasswordFile) config.users.users",
    ")",
  ];
  const isEarly = `file: lib.any (place: lib.hasPrefix "\${place}/" file) earlyPlaces`;
  return {
    bindings: [
      attribute(
        "earlyPlaces",
        new Expression(places.join("\n")),
        "What survives, and is there when users are made: before stage 2 mounts anything.",
      ),
      attribute("isEarly", new Expression(isEarly)),
      attribute("missingPasswords", new Expression(files.join("\n"))),
    ],
    assertions: [
      guarded(
        "missingPasswords == [ ]",
        `\${toString missingPasswords} would not be there when users are made, expected password files on a surviving file system that is neededForBoot`,
      ),
    ],
  };
}

/** Where users can't be changed on the machine, NixOS itself asks for one who can log in. */
function noUsersGuard(): Guard {
  return {
    warnings: [
      guarded(
        "!config.users.mutableUsers",
        "the profile has no users, and what passwd(1) sets is gone with the next boot. Give users a hashedPasswordFile on a surviving file system",
      ),
    ],
  };
}

/** For a profile that doesn't keep them; another file may. */
function idMapGuard({ persist }: Profile): Guard {
  const mounted = `lib.any (place: config.fileSystems ? \${place}) idPlaces`;
  const preserved = [
    "",
    `  ${mounted}`,
    "  || lib.any (at: lib.any (each: lib.elem each.directory idPlaces) at.directories) (",
    "    lib.attrValues config.preservation.preserveAt",
    "  )",
  ];
  const keepsIds = persist.module === "preservation" ? preserved.join("\n") : mounted;
  return {
    bindings: [
      attribute(
        "idPlaces",
        [ID_MAPS, "/var/lib", "/var"],
        "Where NixOS notes which user and group had which number.",
      ),
      attribute("keepsIds", new Expression(keepsIds)),
    ],
    warnings: [
      guarded(
        "keepsIds",
        `${ID_MAPS} is not kept: users and groups without a fixed uid or gid may get another one with the next boot, and others their files`,
      ),
    ],
  };
}

function keepsIdMaps(profile: Profile): boolean {
  const { directories } = profile.persist;
  return holds(profile, ID_MAPS) || directories.some(({ path }) => isWithin(ID_MAPS, path));
}

/** Whether a path is on one of the surviving subvolumes. */
function holds({ btrfs }: Profile, path: string): boolean {
  return Object.values(btrfs.subvolumes).some(({ mount }) => isWithin(path, mount));
}
