/**
 * Roots that are looked at as they are mounted: for whoever may make no mounts and
 * read no metadata, and where the root is no btrfs at all, such as the tmpfs of
 * machines that keep `/` in memory. There is no blank one then: what is there was
 * added.
 */
import { existsSync, realpathSync } from "node:fs";
import type { Mount } from "../../facts.ts";
import { Refusal, UsageFault } from "../../fault.ts";
import { latin1OfText, textOfLatin1 } from "../../latin1.ts";
import {
  futureMountPoints,
  holdingMount,
  liveMountPoints,
  pathInFilesystem,
} from "../../mount-points.ts";
import type { Profile } from "../../profile.ts";
import { visible } from "../../text.ts";
import { canAdminister } from "../probe/capability.ts";
import { runningRoot } from "../probe/running-root.ts";
import type { Roots, RootsRequest } from "../roots.ts";
import { isBtrfs } from "../statfs.ts";
import { mountedCopies } from "./mounted-copies.ts";
import { refuseUnlessDirectory, View } from "./views.ts";

/** The directory that is to be walked; undefined where the metadata of btrfs will be read. */
export function plainRoot(request: RootsRequest, mounts: readonly Mount[]): string | undefined {
  const { root, profile } = request;
  if (root !== undefined) {
    refuseUnlessDirectory("--root", root);
    return canAdminister() && isBtrfs(root) ? undefined : realpathSync(root);
  }
  if (profile === undefined) return undefined;
  if (canAdminister()) return keepsRootElsewhere(profile, mounts) ? "/" : undefined;
  if (runningRoot(profile, mounts) !== undefined || keepsRootElsewhere(profile, mounts)) return "/";
  throw new Refusal("Cannot look at the root on the profile's disk: that needs root", {
    hint: "The running system's root, or one that --root names, can be walked without",
  });
}

export function openPlainRoots(
  dir: string,
  request: RootsRequest,
  mounts: readonly Mount[],
): Roots {
  const mount = holdingMount(mounts, latin1OfText(dir));
  if (mount === undefined) throw new Refusal(`Cannot tell what ${visible(dir)} is mounted from`);
  using opening = new DisposableStack();
  const root = opening.use(View.ofDirectory(dir)).top;
  const base = openBase(request, opening);
  const persist = openPersist(dir, request, opening);
  const here = { mount, dir: latin1OfText(dir) };
  const live = liveMountPoints(mounts, [here]);
  const opened = opening.move();
  return {
    root,
    base,
    persist,
    live,
    mountedCopies: () => mountedCopies(mounts, [here], persist?.fd),
    mountPoints: [...live, ...futureMountPoints(request.profile)],
    running: dir === "/",
    isBehind: false,
    blind: blindness(dir, request),
    source: `the root at ${visible(dir)} (${mount.fsType}, ${visible(textOfLatin1(pathInFilesystem(here)))}, ${base === undefined ? "no blank one" : `base ${visible(request.base!)}`})`,
    device: textOfLatin1(mount.source),
    top: undefined,
    [Symbol.dispose]: () => opened.dispose(),
  };
}

/** Whether `/` is no btrfs, while what outlives a boot is mounted: such a machine starts from nothing. */
function keepsRootElsewhere({ persist }: Profile, mounts: readonly Mount[]): boolean {
  const isMounted = mounts.some(({ mountPoint }) => mountPoint === latin1OfText(persist.root));
  return isMounted && !isBtrfs("/");
}

function openBase(request: RootsRequest, stack: DisposableStack): number | undefined {
  if (request.base === undefined) return undefined;
  if (!existsSync(request.base)) {
    throw new UsageFault(
      `Cannot use ${visible(request.base)} as --base: there is no such directory`,
    );
  }
  refuseUnlessDirectory("--base", request.base);
  return stack.use(View.ofDirectory(realpathSync(request.base))).top;
}

function openPersist(dir: string, request: RootsRequest, stack: DisposableStack): Roots["persist"] {
  const { profile } = request;
  const named = request.persist;
  if (named !== undefined) refuseUnlessDirectory("--persist", named);
  const place = named ?? (profile && `${dir === "/" ? "" : dir}${profile.persist.root}`);
  if (place === undefined || !existsSync(place)) return undefined;
  const real = realpathSync(place);
  return { fd: stack.use(View.ofDirectory(real)).top, path: profile?.persist.root ?? real };
}

function blindness(dir: string, request: RootsRequest): string[] {
  if (request.base !== undefined || canAdminister() || !isBtrfs(dir)) return [];
  return ["the blank snapshot can be opened by root alone, and was taken for empty"];
}
