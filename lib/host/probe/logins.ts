/**
 * What must be there for somebody to log in after the next boot. Password files are
 * read for their form alone: nothing of them leaves this file.
 */
import { readFileSync } from "node:fs";
import { dirname } from "node:path/posix";
import { isMachineId, MACHINE_ID } from "../../boot/machine-id.ts";
import type {
  DoctorFacts,
  KeyFact,
  LoginFact,
  Owner,
  PasswordFact,
  Whereabouts,
} from "../../doctor/facts.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { survivingPlace } from "../../mount-points.ts";
import { isWithin } from "../../profile/paths.ts";
import type { Profile } from "../../profile.ts";
import { lookAt, namesIn, READ, reopen } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import type { View } from "../roots/views.ts";
import type { Roots } from "../roots.ts";
import { isThereNow, type Place, placeNow } from "./persisted.ts";

const HASH_FILE_MAX_BYTES = 4096;
const SSH = "/etc/ssh";
const HOST_KEY = /^ssh_host_\w+_key$/;
/** What sshd of NixOS makes, beside others, where there is none. */
const USUAL_KEY = `${SSH}/ssh_host_ed25519_key`;
const ID_MAPS = ["uid-map", "gid-map"];
const OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;

type Found = Pick<DoctorFacts, "logins" | "hostKeys" | "idMaps" | "machineId">;

/** Where paths are after the next boot, undefined for what goes with the root; and where they are now. */
interface Places {
  readonly kept: (path: string) => Place | undefined;
  readonly now: (path: string) => Place;
  readonly where: (path: string) => Whereabouts;
}

/** @param top of the file system */
export function probeLogins(profile: Profile, roots: Roots, top: View): Found {
  const places = placesIn(profile, roots, top);
  return {
    logins: Object.entries(profile.users).map(([user, { wheel, keys, password_file: file }]) => ({
      user,
      wheel,
      hasKeys: keys.length > 0,
      password: file === undefined ? undefined : passwordFact(profile, file, places),
      authorizedKeys: authorizedKeys(user, places),
    })),
    hostKeys: hostKeys(profile, places),
    idMaps: ID_MAPS.map((name) => places.where(`/var/lib/nixos/${name}`)),
    machineId: machineId(places),
  };
}

function placesIn(profile: Profile, roots: Roots, top: View): Places {
  const kept = (path: string) => keptPlace(profile, roots, top, path);
  return {
    kept,
    now: (path) => placeNow(profile, roots, top, path),
    where: (path) => {
      const place = kept(path);
      if (place === undefined) return "unlisted";
      if (statusAt(place) !== undefined) return "kept";
      return isThereNow(profile, roots, top, path) ? "unsaved" : "nowhere";
    },
  };
}

/** A listed path is put over what a surviving subvolume has there. */
function keptPlace(profile: Profile, roots: Roots, top: View, path: string): Place | undefined {
  const { persist } = roots;
  const listed = [...profile.persist.directories, ...profile.persist.files];
  const isListed = listed.some((entry) => isWithin(path, entry.path));
  if (isListed) return persist === undefined ? undefined : { top: persist.fd, path };
  return survivingPlace(profile, path) && placeNow(profile, roots, top, path);
}

function statusAt(place: Place | undefined): InodeStatus | undefined {
  if (place === undefined) return undefined;
  using found = lookAt(place.top, Buffer.from(place.path));
  return found === undefined ? undefined : statusOf(found.fd);
}

/** The text of a small file, which nothing is to be told of. */
function textAt(place: Place): string {
  const path = Buffer.from(place.path);
  using found = lookAt(place.top, path);
  if (found === undefined) return "";
  using file = reopen(found, READ, path);
  return readFileSync(file.fd, "utf8");
}

function passwordFact(profile: Profile, file: string, { kept }: Places): PasswordFact {
  const place = kept(file);
  const status = statusAt(place);
  const hash = fileFault(status) === undefined ? hashIn(place!, status!) : "";
  const isLocked = /^[!*]/.test(hash);
  // See crypt(5); spaces and colons would end the field of shadow(5).
  const isHash = /^\$[0-9a-z]+\$[^\s:]+$/.test(hash);
  const noHash = isHash || isLocked ? undefined : "holds no hash as mkpasswd makes it";
  return {
    file,
    fault: fileFault(status) ?? noHash,
    isLocked,
    owner: status?.type === "file" ? ownerOf(status) : undefined,
    above: directoriesTo(profile, file).flatMap((path) => {
      const found = statusAt(kept(path));
      return found === undefined ? [] : [{ path, owner: ownerOf(found) }];
    }),
  };
}

function hashIn(place: Place, { sizeBytes }: InodeStatus): string {
  return sizeBytes > HASH_FILE_MAX_BYTES ? "" : textAt(place).replace(/\n$/, "");
}

function ownerOf({ uid, gid, mode }: InodeStatus): Owner {
  return { uid, gid, mode };
}

/** The directories above a file, from where its surviving subvolume is mounted. */
function directoriesTo(profile: Profile, file: string): string[] {
  const directory = dirname(file);
  const place = survivingPlace(profile, directory);
  if (place === undefined) return [];
  return place.rest === "" ? [directory] : [...directoriesTo(profile, directory), directory];
}

function fileFault(status: InodeStatus | undefined): string | undefined {
  if (status === undefined) return "is not there";
  if (status.type !== "file") return "is no file";
  return status.sizeBytes === 0 ? "is empty" : undefined;
}

function permissionFault({ uid, mode }: InodeStatus): string | undefined {
  if (uid !== 0) return `belongs to user ${uid}, expected root`;
  return (mode & OTHERS) === 0 ? undefined : `has the mode ${octal(mode)}, expected 0600`;
}

/** sshd's StrictModes: nobody else may have written the file, or may put another in its place. */
function authorizedKeys(user: string, { kept }: Places): LoginFact["authorizedKeys"] {
  const file = `/home/${user}/.ssh/authorized_keys`;
  const status = statusAt(kept(file));
  if (status === undefined) return undefined;
  const owner = statusAt(kept(`/home/${user}`))?.uid;
  for (const path of [file, dirname(file), dirname(dirname(file))]) {
    const { uid, mode } = statusAt(kept(path)) ?? status;
    if (uid !== owner && uid !== 0) return { file, fault: `${path} belongs to user ${uid}` };
    if ((mode & WRITABLE_BY_OTHERS) !== 0) {
      return { file, fault: `others may write to ${path} (mode ${octal(mode)})` };
    }
  }
  const fault = fileFault(status);
  return { file, fault: fault === undefined ? undefined : `${file} ${fault}` };
}

function hostKeys(profile: Profile, places: Places): KeyFact[] {
  const listed = profile.persist.files
    .map(({ path }) => path)
    .filter((path) => dirname(path) === SSH && HOST_KEY.test(path.slice(SSH.length + 1)));
  const keepsAll = places.kept(SSH) !== undefined;
  const found = keepsAll ? [...keysIn(places.kept(SSH)), ...keysIn(places.now(SSH))] : [];
  const known = new Set([...listed, ...found]);
  if (keepsAll && known.size === 0) known.add(USUAL_KEY);
  return [...known].sort().map((path) => keyFact(path, places));
}

function keyFact(path: string, { kept, where }: Places): KeyFact {
  const status = statusAt(kept(path));
  const fault = status && (fileFault(status) ?? permissionFault(status));
  return { path, where: where(path), fault };
}

/** Host keys in a directory. */
function keysIn(place: Place | undefined): string[] {
  if (place === undefined || statusAt(place)?.type !== "directory") return [];
  const path = Buffer.from(place.path);
  using directory = lookAt(place.top, path);
  if (directory === undefined) return [];
  return namesIn(directory, path)
    .map((name) => Buffer.from(name).toString("latin1"))
    .filter((name) => HOST_KEY.test(name))
    .map((name) => `${SSH}/${name}`);
}

function machineId({ kept, now, where }: Places): DoctorFacts["machineId"] {
  const found = where(MACHINE_ID);
  if (found === "kept") return holdsId(kept(MACHINE_ID)!) ? "valid" : "invalid";
  // "uninitialized" until the first boot, and nothing to save: see machine-id(5).
  return found === "unsaved" && !holdsId(now(MACHINE_ID)) ? "nowhere" : found;
}

function holdsId(place: Place): boolean {
  const status = statusAt(place);
  if (status?.type !== "file" || status.sizeBytes > HASH_FILE_MAX_BYTES) return false;
  return isMachineId(textAt(place));
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
