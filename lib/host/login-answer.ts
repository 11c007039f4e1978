/**
 * Where the last line for a login message is kept, with what it followed from. It lies in
 * /run and is root's alone; whatever can't be read or written there is as nothing kept.
 *
 * The checked profile lies beside it: to read one takes a parser and a schema, which are
 * half of what a program loads.
 */
import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import type { Profile } from "../profile.ts";
import type { DecidingMounts, RootPlace } from "./probe/deciding-mounts.ts";
import type { SubvolumesState } from "./probe/subvolumes-state.ts";

const FILE = "/run/blankroot/login-answer";
const ROOT = 0;
const OTHERS = 0o022;
/** The mounts on the root are in it, and there can be thousands. */
const SIZE_MAX_BYTES = 4 * 1024 ** 2;

export interface Answer {
  /** What decides beside the mounts and the subvolumes. */
  readonly key: string;
  /** What the profile's text, which is in the key, says. */
  readonly profile: Profile;
  /** null: nothing would be lost. */
  readonly line: string | null;
  readonly place: RootPlace;
  readonly mounts: DecidingMounts;
  readonly state: SubvolumesState;
}

/** The answer to the same question, if one was kept. */
export function keptAnswer(key: string): Answer | undefined {
  try {
    if (!isOurs(lstatSync(dirname(FILE)))) return undefined;
    const fd = openSync(FILE, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    try {
      const stat = fstatSync(fd);
      if (!stat.isFile() || !isOurs(stat) || stat.size > SIZE_MAX_BYTES) return undefined;
      const answer: Answer = JSON.parse(readFileSync(fd, "utf8"));
      return answer.key === key ? answer : undefined;
    } finally {
      closeSync(fd);
    }
  } catch {
    return undefined;
  }
}

export function keepAnswer(answer: Answer): void {
  const fresh = `${FILE}.${process.pid}`;
  try {
    mkdirSync(dirname(FILE), { recursive: true, mode: 0o755 });
    if (!isOurs(lstatSync(dirname(FILE)))) return;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;
    const fd = openSync(fresh, flags, 0o600);
    try {
      writeSync(fd, JSON.stringify(answer));
    } finally {
      closeSync(fd);
    }
    renameSync(fresh, FILE);
  } catch {
    // The next one counts anew.
  }
}

function isOurs({ uid, mode }: { uid: number; mode: number }): boolean {
  return uid === ROOT && process.geteuid!() === ROOT && (mode & OTHERS) === 0;
}
