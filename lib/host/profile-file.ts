/**
 * Which profile is taken, and whether it may be.
 *
 * Whoever names a file means it. A file that merely lies in a known place is taken
 * only if it looks like ours and only root or the caller can have put it there;
 * one that fails is refused and not passed over, since the next place in the list
 * would then decide without a word.
 */
import { closeSync, constants, existsSync, fstatSync, openSync } from "node:fs";
import { Refusal, UsageFault } from "../fault.ts";
import { PROFILE_TEXT } from "../profile/places.ts";
import { visible } from "../text.ts";
import { readAtMost, readTrusted } from "./trusted-file.ts";

/** Longer ones are no profiles. */
export const PROFILE_SIZE_MAX_BYTES = 1024 ** 2;

export const PLACES = [
  "./config.toml",
  PROFILE_TEXT,
  "/persist/etc/blankroot/config.toml",
] as const;

export interface ProfileRequest {
  /** The value of --profile. */
  readonly flag: string | undefined;
  /** The value of $BLANKROOT_PROFILE; empty is as unset. */
  readonly env: string | undefined;
  /** "named": only flag or variable will do, because the caller erases. */
  readonly mode: "named" | "found";
}

/** A profile that has yet to be read: its name as it was given or found. */
export interface ProfileFile {
  readonly file: string;
  readonly bytes: Uint8Array;
}

/**
 * @returns undefined where none was named, and none is in a known place
 * @throws UsageFault where none is named that must be, or it can't be read
 * @throws Refusal where one was found that is not to be trusted
 */
export function findProfile(
  request: ProfileRequest,
  places: readonly string[] = PLACES,
): ProfileFile | undefined {
  const named = request.flag ?? (request.env === "" ? undefined : request.env);
  if (named !== undefined) return ofSize(named, readNamed(named));
  if (request.mode === "named") throw notNamed(places);
  for (const place of places) {
    const bytes = readTrusted(place, PROFILE_SIZE_MAX_BYTES);
    if (bytes === undefined) continue;
    if (!beginsWithVersion(bytes)) throw notOurs(place);
    return ofSize(place, bytes);
  }
  return undefined;
}

function ofSize(file: string, bytes: Uint8Array): ProfileFile {
  if (bytes.length <= PROFILE_SIZE_MAX_BYTES) return { file, bytes };
  throw new UsageFault(`Cannot use the profile ${visible(file)}: larger than 1 MiB`);
}

function readNamed(file: string): Uint8Array {
  let fd: number | undefined;
  try {
    fd = openSync(file, constants.O_RDONLY);
    if (fstatSync(fd).isDirectory()) throw new Error("it is a directory, expected a file");
    return readAtMost(fd, PROFILE_SIZE_MAX_BYTES);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    throw new UsageFault(`Cannot read the profile ${visible(file)}: ${code ?? message}`, {
      cause: error,
    });
  } finally {
    if (fd !== undefined) closeSync(fd);
  }
}

/** Whether the first key is ours. A byte order mark is left for the reader to name. */
function beginsWithVersion(bytes: Uint8Array): boolean {
  const text = new TextDecoder("utf-8").decode(bytes);
  const first = text.split("\n").find((line) => !/^\s*(?:#|$)/.test(line));
  return first !== undefined && /^\s*version\s*=/.test(first);
}

function notOurs(place: string): Refusal {
  return new Refusal(
    `Cannot take ${visible(place)} as found: its first key is not version, expected a profile of blankroot`,
    { hint: `--profile ${visible(place)} takes it, if you mean it` },
  );
}

function notNamed(places: readonly string[]): UsageFault {
  const found = places.find((place) => existsSync(place));
  return new UsageFault(
    "Cannot choose a profile: what erases takes none that was merely found, expected --profile FILE or $BLANKROOT_PROFILE",
    { hint: found === undefined ? undefined : `${found} is there: --profile ${found} takes it` },
  );
}
