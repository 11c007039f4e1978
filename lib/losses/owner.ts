/**
 * The owner of what lies in a directory, by the directory's path alone: a pure look into
 * the tables. Paths are bytes as latin1, "" is the top.
 */
import { isWithin } from "../profile/paths.ts";
import { HOME_CACHES, KNOWN_PLACES, OTHER_HOMES, type OwnerKind, SHARED_PLACES } from "./places.ts";

export interface Owner {
  readonly kind: OwnerKind;
  /** Of the service or the user; else the place itself. */
  readonly name: string;
  /** The directory that all of it lies in. */
  readonly place: string;
}

export function ownerOf(directory: string): Owner {
  return asHome(directory) ?? asKnown(directory) ?? asShared(directory) ?? asOther(directory);
}

/** Whether both are of one group, whichever of their places it is. */
export function isSameOwner(a: Owner, b: Owner): boolean {
  return a.kind === b.kind && a.name === b.name;
}

/**
 * Whether a directory within may be a project of its own: of what services keep, and of
 * /etc, nobody thinks so, and a home is more than one.
 */
export function mayBeProject({ kind, place }: Owner, directory: string): boolean {
  return (kind === "home" || kind === "other") && directory !== place;
}

function asHome(directory: string): Owner | undefined {
  const home = homeOf(directory);
  if (home === undefined) return undefined;
  const cache = HOME_CACHES.find(({ path }) => isWithin(directory, `${home.place}/${path}`));
  if (cache === undefined) return home;
  return { kind: "cache", name: home.name, place: `${home.place}/${cache.path}` };
}

function homeOf(directory: string): Owner | undefined {
  const other = OTHER_HOMES.find(({ path }) => isWithin(directory, path));
  if (other !== undefined) return { kind: "home", name: other.name, place: other.path };
  const shared = asShared(directory);
  return shared?.kind === "home" ? shared : undefined;
}

function asKnown(directory: string): Owner | undefined {
  const known = KNOWN_PLACES.find(({ path }) => isWithin(directory, path));
  return known && { kind: known.kind, name: known.name, place: known.path };
}

function asShared(directory: string): Owner | undefined {
  const shared = SHARED_PLACES.find(({ path }) => isWithin(directory, path));
  if (shared === undefined || directory === shared.path) return undefined;
  const [name = ""] = directory.slice(shared.path.length + 1).split("/", 1);
  return { kind: shared.kind, name, place: `${shared.path}/${name}` };
}

/** Below /var and /usr are directories as different as at the top. */
function asOther(directory: string): Owner {
  const [, first = "", second] = directory.split("/");
  const isBroad = second !== undefined && (first === "var" || first === "usr");
  const place = isBroad ? `/${first}/${second}` : `/${first}`;
  return { kind: "other", name: place, place };
}
