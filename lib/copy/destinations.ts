/**
 * Where each path of an old root goes back to: what the profile lists to the persist
 * root, for there it lives, all else to the live root.
 */
import { latin1, latin1OfText } from "../latin1.ts";
import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";

export const DESTINATIONS = ["root", "persist"] as const;
export type Destination = (typeof DESTINATIONS)[number];

/** @param to for all of them, where it was said */
export function destinationsOf(
  paths: readonly Uint8Array[],
  { persist }: Pick<Profile, "persist">,
  to: Destination | undefined,
): ReadonlyMap<Destination, readonly Uint8Array[]> {
  const listed = [...persist.directories, ...persist.files].map(({ path }) => latin1OfText(path));
  const isListed = (path: Uint8Array) => listed.some((each) => isWithin(latin1(path), each));
  return Map.groupBy(paths, (path) => to ?? (isListed(path) ? "persist" : "root"));
}
