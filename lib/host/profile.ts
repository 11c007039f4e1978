/** The profile that is taken, read and checked. */
import { resolve } from "node:path";
import { UsageFault } from "../fault.ts";
import { readProfile } from "../profile/read.ts";
import type { Profile } from "../profile.ts";
import { findProfile, PLACES, type ProfileRequest } from "./profile-file.ts";

export interface LoadedProfile {
  readonly profile: Profile;
  /** Absolute, for plans that are read in another directory. */
  readonly file: string;
}

/**
 * @throws UsageFault where there is none, none is named, or it has faults
 * @throws Refusal where one was found that is not to be trusted
 */
export function loadProfile(
  request: ProfileRequest,
  places: readonly string[] = PLACES,
): LoadedProfile {
  const found = findProfile(request, places);
  if (found === undefined) {
    throw new UsageFault(`Cannot find a profile: looked at ${places.join(", ")}`, {
      hint: "--profile FILE or $BLANKROOT_PROFILE names one",
    });
  }
  const { file, bytes } = found;
  return { profile: readProfile(file, bytes), file: resolve(file) };
}
