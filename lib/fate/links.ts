/**
 * Where the text of a symlink leads, by its names alone: the target may be on a
 * file system that isn't mounted, or be planted to mislead whoever follows it.
 * Paths and texts are bytes as latin1.
 */
import { dirname, resolve } from "node:path/posix";
import { isWithin } from "../profile/paths.ts";

/** What NixOS makes anew at every boot leads here. */
const MANAGED_PLACES = ["/nix/store", "/etc/static"] as const;

/** The absolute path that a link's text names, `..` taken as the name above. */
export function leadsTo(path: string, text: string): string {
  return resolve(dirname(path), text);
}

/** The place of NixOS's own that a path lies in, or undefined. */
export function managedPlace(path: string): (typeof MANAGED_PLACES)[number] | undefined {
  return MANAGED_PLACES.find((place) => isWithin(path, place));
}
