/**
 * What must be there for somebody to log in after the next boot. Password files are
 * read for their form alone: nothing of them leaves this file.
 */
import { readFileSync } from "node:fs";
import { dirname } from "node:path/posix";
import type { DoctorFacts, KeyFact, LoginFact, PasswordFact } from "../../doctor/facts.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { survivingPlace } from "../../mount-points.ts";
import { isWithin } from "../../profile/paths.ts";
import type { Profile } from "../../profile.ts";
import { lookAt, namesIn, READ, reopen } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import type { View } from "../roots/views.ts";
import type { Roots } from "../roots.ts";

const HASH_FILE_MAX_BYTES = 4096;
const SSH = "/etc/ssh";
const HOST_KEY = /^ssh_host_\w+_key$/;
const ID_MAPS = ["uid-map", "gid-map"];
const OTHERS = 0o077;
const WRITABLE_BY_OTHERS = 0o022;

type Found = Pick<DoctorFacts, "logins" | "hostKeys" | "idMaps" | "machineId">;

/** @param top of the file system */
export function probeLogins(profile: Profile, roots: Roots, top: View): Found {
  const kept = (path: string) => keptPlace(profile, roots, top, path);
  return {
    logins: Object.entries(profile.users).map(([user, { wheel, keys, password_file: file }]) => ({
      user,
      wheel,
      hasKeys: keys.length > 0,
      password: file === undefined ? undefined : passwordFact(file, kept(file)),
      authorizedKeys: authorizedKeys(user, kept),
    })),
    hostKeys: hostKeys(profile, kept),
    idMaps: ID_MAPS.filter((name) => statusAt(kept(`/var/lib/nixos/${name}`)) !== undefined),
    machineId: machineId(kept("/etc/machine-id")),
  };
}

/** Where a path is found after the next boot: below an open directory. */
interface Place {
  readonly top: number;
  readonly path: string;
}

/** Undefined for what goes with the root. */
function keptPlace(
  profile: Profile,
  { persist }: Roots,
  top: View,
  path: string,
): Place | undefined {
  const place = survivingPlace(profile, path);
  if (place !== undefined) return { top: top.top, path: `${place.subvolume}${place.rest}` };
  const listed = [...profile.persist.directories, ...profile.persist.files];
  const isListed = listed.some((entry) => isWithin(path, entry.path));
  return isListed && persist !== undefined ? { top: persist.fd, path } : undefined;
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

function passwordFact(file: string, place: Place | undefined): PasswordFact {
  const status = statusAt(place);
  const fault = fileFault(status) ?? permissionFault(status!, OTHERS);
  if (fault !== undefined) return { file, fault, isLocked: false };
  if (status!.sizeBytes > HASH_FILE_MAX_BYTES)
    return { file, fault: "holds no hash", isLocked: false };
  const hash = textAt(place!).replace(/\n$/, "");
  const isLocked = /^[!*]/.test(hash);
  // See crypt(5); spaces and colons would end the field of shadow(5).
  const isHash = /^\$[0-9a-z]+\$[^\s:]+$/.test(hash);
  return {
    file,
    fault: isHash || isLocked ? undefined : "holds no hash as mkpasswd makes it",
    isLocked,
  };
}

function fileFault(status: InodeStatus | undefined): string | undefined {
  if (status === undefined) return "is not there";
  if (status.type !== "file") return "is no file";
  return status.sizeBytes === 0 ? "is empty" : undefined;
}

function permissionFault({ uid, mode }: InodeStatus, forbidden: number): string | undefined {
  if (uid !== 0) return `belongs to user ${uid}, expected root`;
  return (mode & forbidden) === 0 ? undefined : `has the mode ${octal(mode)}, expected 0600`;
}

/** sshd's StrictModes: nobody else may have written the file, or may put another in its place. */
function authorizedKeys(
  user: string,
  kept: (path: string) => Place | undefined,
): LoginFact["authorizedKeys"] {
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

function hostKeys(profile: Profile, kept: (path: string) => Place | undefined): KeyFact[] {
  const listed = profile.persist.files
    .map(({ path }) => path)
    .filter((path) => dirname(path) === SSH && HOST_KEY.test(path.slice(SSH.length + 1)));
  const paths = new Set([...listed, ...keysIn(kept(SSH))]);
  return [...paths].sort().map((path) => {
    const status = statusAt(kept(path));
    return { path, fault: fileFault(status) ?? permissionFault(status!, OTHERS) };
  });
}

/** Host keys in a directory that is kept whole. */
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

/** See machine-id(5): 32 digits in hexadecimal; "uninitialized" until the first boot. */
function machineId(place: Place | undefined): DoctorFacts["machineId"] {
  const status = statusAt(place);
  if (status === undefined) return "missing";
  if (status.type !== "file" || status.sizeBytes > HASH_FILE_MAX_BYTES) return "invalid";
  return /^[0-9a-f]{32}\n?$/.test(textAt(place!)) ? "valid" : "invalid";
}

function octal(mode: number): string {
  return mode.toString(8).padStart(4, "0");
}
