/**
 * Which root is meant, and views of it, its blank one and the persist root.
 *
 * Flags name mounted subvolumes. Else it is the running system's root, but only
 * where that is the profile's own root subvolume on the profile's own file
 * system; else the file system on the profile's disk. Whoever asks on an
 * installer must never be answered about the installer. All views are without
 * the mounts upon them and end with us.
 */

import { existsSync, realpathSync } from "node:fs";
import { NEXT_SUFFIX } from "../boot/rollback.ts";
import type { Mount } from "../facts.ts";
import { Refusal, UsageFault } from "../fault.ts";
import { latin1, latin1OfText, textOfLatin1 } from "../latin1.ts";
import {
  futureMountPoints,
  holdingMount,
  liveMountPoints,
  type Place,
  pathInFilesystem,
  placesOf,
  survivingPlace,
} from "../mount-points.ts";
import { isWithin } from "../profile/paths.ts";
import type { Profile } from "../profile.ts";
import { visible } from "../text.ts";
import { blockNameOf, mountsOfBtrfs, sourceName } from "./probe/btrfs-members.ts";
import { findFilesystem } from "./probe/filesystem.ts";
import { probeMounts } from "./probe/mounts.ts";
import { runningRoot } from "./probe/running-root.ts";
import { hasUnreplayedLog } from "./probe/unreplayed-log.ts";
import { mountedCopies } from "./roots/mounted-copies.ts";
import { openPlainRoots, plainRoot } from "./roots/plain.ts";
import { refuseUnlessDirectory, refuseUnlessSubvolume, View } from "./roots/views.ts";

export interface RootsRequest {
  /** Directories that flags named. */
  readonly root?: string | undefined;
  readonly base?: string | undefined;
  readonly persist?: string | undefined;
  readonly profile?: Profile | undefined;
  /** How the persist root is opened; "read-only" unless given. */
  readonly access?: "read-only" | "read-write";
  /** Whether there must be a blank one to compare with; "optional" unless given. */
  readonly blank?: "required" | "optional";
  /** Whether a root on no btrfs may be looked at instead of the profile's; "allowed" unless given. */
  readonly plain?: "allowed" | "never";
}

export interface Roots extends Disposable {
  /** An open descriptor of the top of the root subvolume. */
  readonly root: number;
  /** The same of its blank one; undefined where there is none. */
  readonly base: number | undefined;
  /** The directory of the persist root, and its path as the installed host sees it. */
  readonly persist: { readonly fd: number; readonly path: string } | undefined;
  /** What is mounted on this root now, absolute as the host sees it. */
  readonly live: readonly Uint8Array[];
  /** Those of them that show the persist root's own copy of their path. Looks at each. */
  readonly mountedCopies: () => readonly Uint8Array[];
  /** The live ones, and all that a boot mounts or links over by the profile. */
  readonly mountPoints: readonly Uint8Array[];
  /** Whether this is the root that we run on. */
  readonly running: boolean;
  /** The file system ended in a crash, and what was synced last is not in view. */
  readonly isBehind: boolean;
  /** What can't be looked at, whatever is compared: a sentence each, without a full stop. */
  readonly blind: readonly string[];
  /** What stderr says: "the running system's root (/dev/vda3, subvolume root, blank root-blank)". */
  readonly source: string;
  /** The node of the root's file system, such as /dev/vda3. */
  readonly device: string;
  /** That file system from its top, read-only; undefined where nothing needed it. */
  readonly top: View | undefined;
}

/** Where the root subvolume is, before anything is opened. */
interface Located {
  readonly device: string;
  /** Its path in the file system: "/root". */
  readonly path: string;
  /** The directory that --root named. */
  readonly dir: string | undefined;
  readonly places: readonly Place[];
  readonly what: string;
  readonly running: boolean;
}

/**
 * Finds and opens them.
 *
 * @throws Refusal where a directory is no subvolume, the disk holds no such file
 *   system or subvolume, or a required blank one is missing; UsageFault where
 *   neither flags nor a profile say which root
 */
export async function openRoots(request: RootsRequest): Promise<Roots> {
  const mounts = probeMounts();
  const plain = request.plain === "never" ? undefined : plainRoot(request, mounts);
  if (plain !== undefined) return openPlainRoots(plain, request, mounts);
  const located = await locate(request, mounts);
  const isBehind = request.access !== "read-write" && hasUnreplayedLog(located.device);
  using opening = new DisposableStack();
  const top = new LazyTop(located.device, opening);
  // Writing first: a file system that was opened for reading alone has not replayed its log.
  const persist = openPersist(request, located, top, opening);
  const root = openRoot(request, located, top, opening);
  const base = openBase(request, located, top, opening);
  const live = liveMountPoints(mounts, located.places);
  const opened = opening.move();
  return {
    root,
    base,
    persist,
    live,
    mountedCopies: () => mountedCopies(mounts, located.places, persist?.fd),
    mountPoints: withoutDuplicates([...live, ...futureMountPoints(request.profile)]),
    running: located.running,
    isBehind,
    blind: [],
    source: describe(request, located, base !== undefined),
    device: located.device,
    top: top.opened,
    [Symbol.dispose]: () => opened.dispose(),
  };
}

async function locate(request: RootsRequest, mounts: readonly Mount[]): Promise<Located> {
  if (request.root !== undefined) return locateDirectory(request.root, mounts);
  const { profile } = request;
  if (profile === undefined) {
    throw new UsageFault("Cannot tell which root is meant: neither a profile nor --root names it");
  }
  const path = `/${profile.btrfs.root}`;
  const running = runningRoot(profile, mounts);
  const device = running?.device ?? (await findFilesystem(profile));
  return {
    device,
    path,
    dir: undefined,
    places: placesOf(mountsOfDevice(device, mounts), latin1OfText(path)),
    what: running === undefined ? "the root on the profile's disk" : "the running system's root",
    running: running !== undefined,
  };
}

function locateDirectory(dir: string, mounts: readonly Mount[]): Located {
  refuseUnlessSubvolume("--root", dir);
  const real = realpathSync(dir);
  const mount = holdingMount(mounts, latin1OfText(real));
  if (mount === undefined || sourceName(mount) === undefined) {
    throw new Refusal(`Cannot use ${visible(dir)} as --root: no mounted block device holds it`);
  }
  const here = { mount, dir: latin1OfText(real) };
  const device = textOfLatin1(mount.source);
  const path = pathInFilesystem(here);
  const elsewhere = placesOf(mountsOfDevice(device, mounts), path).filter(
    (place) => place.mount.id !== mount.id,
  );
  const places = [here, ...elsewhere];
  return {
    device,
    path: textOfLatin1(path),
    dir: real,
    places,
    what: `the root at ${visible(dir)}`,
    running: places.some((place) => place.dir === "/"),
  };
}

/** The top of the file system, mounted when something first asks for it. */
class LazyTop {
  readonly #device: string;
  readonly #stack: DisposableStack;
  #view: View | undefined;

  constructor(device: string, stack: DisposableStack) {
    this.#device = device;
    this.#stack = stack;
  }

  get view(): View {
    this.#view ??= this.#stack.use(View.ofDevice(this.#device, "read-only"));
    return this.#view;
  }

  get opened(): View | undefined {
    return this.#view;
  }
}

function openRoot(
  request: RootsRequest,
  located: Located,
  top: LazyTop,
  stack: DisposableStack,
): number {
  if (located.dir !== undefined) return stack.use(View.ofDirectory(located.dir)).top;
  if (located.running) return stack.use(View.ofDirectory("/")).top;
  const fd = top.view.subvolume(located.path);
  if (fd !== undefined) return fd;
  const name = request.profile?.btrfs.root;
  const isHalfway = top.view.subvolume(`${name}${NEXT_SUFFIX}`) !== undefined;
  throw new Refusal(
    `Cannot look at the root on ${located.device}: it has no subvolume ${name}${isHalfway ? ", for a rollback was interrupted" : ""}`,
    {
      hint: isHalfway
        ? "The next boot finishes that, or rollback by hand; the old root is among the old ones"
        : "make-subvols creates it; btrfs.root of the profile is its name",
    },
  );
}

function openBase(
  request: RootsRequest,
  located: Located,
  top: LazyTop,
  stack: DisposableStack,
): number | undefined {
  if (request.base !== undefined) {
    const atTop = existsSync(request.base) ? undefined : subvolumeAtTop(request.base, top);
    if (atTop !== undefined) return atTop;
    refuseUnlessSubvolume("--base", request.base);
    return stack.use(View.ofDirectory(realpathSync(request.base))).top;
  }
  const blank = request.profile?.btrfs.blank;
  const fd = blank === undefined ? undefined : top.view.subvolume(blank);
  if (fd !== undefined || request.blank !== "required") return fd;
  if (blank === undefined) {
    throw new UsageFault("Cannot compare: neither a profile nor --base names the blank snapshot");
  }
  throw new Refusal(
    `Cannot compare with the blank snapshot: ${located.device} has no subvolume ${blank}`,
    { hint: "make-subvols takes it; btrfs.blank of the profile is its name" },
  );
}

/** Such as old_roots/NAME: where no directory is called so, a path from the top of the file system. */
function subvolumeAtTop(path: string, top: LazyTop): number | undefined {
  return path.startsWith("/") ? undefined : top.view.subvolume(path);
}

function openPersist(
  request: RootsRequest,
  located: Located,
  top: LazyTop,
  stack: DisposableStack,
): Roots["persist"] {
  const { profile, persist: dir, access = "read-only" } = request;
  if (dir !== undefined) {
    refuseUnlessDirectory("--persist", dir);
    const real = realpathSync(dir);
    const path = profile?.persist.root ?? pathBelow(real, located.dir) ?? real;
    return { fd: stack.use(View.ofDirectory(real)).top, path };
  }
  if (profile === undefined) return undefined;
  const place = survivingPlace(profile, profile.persist.root);
  if (place === undefined) return undefined;
  const isRead = access === "read-only";
  const view = isRead ? top.view : stack.use(View.ofDevice(located.device, access));
  const fd = view.directory(`${place.subvolume}/${place.rest}`);
  return fd === undefined ? undefined : { fd, path: profile.persist.root };
}

function withoutDuplicates(paths: readonly Uint8Array[]): Uint8Array[] {
  const byText = new Map(paths.map((path) => [latin1(path), path]));
  return [...byText.values()];
}

function describe(request: RootsRequest, located: Located, hasBase: boolean): string {
  const blank = request.profile?.btrfs.blank;
  const base =
    request.base !== undefined
      ? `base ${visible(request.base)}`
      : hasBase
        ? `blank ${visible(blank ?? "")}`
        : "no blank one";
  const subvolume = visible(located.path.replace(/^\/(?=.)/, ""));
  return `${located.what} (${visible(located.device)}, subvolume ${subvolume}, ${base})`;
}

function mountsOfDevice(device: string, mounts: readonly Mount[]): Mount[] {
  const name = blockNameOf(device);
  return name === undefined ? [] : mountsOfBtrfs(name, mounts);
}

/** `path` as it is seen from `top`, or undefined where it is not below it. */
function pathBelow(path: string, top: string | undefined): string | undefined {
  if (top === undefined || path === top || !isWithin(path, top)) return undefined;
  return top === "/" ? path : path.slice(top.length);
}
