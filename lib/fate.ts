/**
 * What the next boot makes of a path that differs from the blank root.
 *
 * The questions are asked in one fixed order, and "is it listed" is not enough
 * for keeping: only an equal copy on the persist side, now, is. Where the profile
 * lists a path, that verdict is final, so that no pattern and no link can hide
 * that a listed file was never copied.
 */

import { type Change, isDirectory } from "./btrfs/change.ts";
import { leadsTo, managedPlace } from "./fate/links.ts";
import { type Place, Places } from "./fate/places.ts";
import { latin1, latin1OfText } from "./latin1.ts";
import { subvolumeMountPoints } from "./mount-points.ts";
import { compileIgnore, compileIgnoreIn, type Matcher } from "./profile/ignore.ts";
import { isWithin } from "./profile/paths.ts";
import type { Profile } from "./profile.ts";

/** `lost` is what a user came to see; `restored` is what the rollback brings back. */
export type Fate = "kept" | "managed" | "ignored" | "lost" | "restored";

export type Reason =
  // kept
  | "mount point"
  | "parent of a mount point or a listed path"
  | "link into persist"
  | "listed and copied"
  // managed
  | "link into /nix/store"
  | "link into /etc/static"
  // ignored
  | "matches persist.ignore"
  // lost
  | "listed, not copied"
  | "copy differs"
  | "copy not readable"
  | "copied, not listed"
  | "shadowed"
  | "not listed"
  // restored
  | "in the blank root";

export interface Verdict {
  readonly fate: Fate;
  readonly reason: Reason;
}

/** The persist root, as far as a verdict needs it. */
export interface PersistSide {
  /**
   * Whether it holds a copy that is equal but for mtime. A directory is compared
   * by itself, without its entries.
   *
   * @param path absolute, as the host sees the original
   */
  equalCopy(path: Uint8Array): Copy;
}

/**
 * "another type": what is there is no copy at all, such as a link in a directory's
 * place. "unreadable": we may not look, so nothing is promised.
 */
export type Copy = "equal" | "differs" | "another type" | "missing" | "unreadable";

export interface Knowledge {
  /** Mounted on the root now, absolute. */
  readonly live: readonly Uint8Array[];
  /** The path of the persist root as the host sees it. */
  readonly persistRoot: string | undefined;
  /** Undefined: no copy of anything is known. */
  readonly persist: PersistSide | undefined;
  readonly profile: Profile | undefined;
  /** False: the profile's ignore patterns have no say. */
  readonly ignore: boolean;
  /** Whether to look for copies of what no list names; the fate is the same, the reason better. */
  readonly explain: boolean;
}

export type Judge = (change: Change) => Verdict;

/**
 * The one verdict on all regular files that were added to a directory, lent; or
 * undefined where they must be judged one by one.
 */
export type JudgeFilesIn = (directory: Uint8Array) => Verdict | undefined;

/** Makes the judge of one comparison. Meant for changes in the order of a walk. */
export function judgeBy(knowledge: Knowledge): Judge {
  return judgesBy(knowledge).judge;
}

export function judgesBy(knowledge: Knowledge): { judge: Judge; judgeFilesIn: JudgeFilesIn } {
  const { profile, persistRoot } = knowledge;
  const places = new Places({
    live: knowledge.live.map(latin1),
    atBoot: profile === undefined ? [] : subvolumeMountPoints(profile).map(latin1OfText),
    directories: (profile?.persist.directories ?? []).map(({ path }) => latin1OfText(path)),
    files: (profile?.persist.files ?? []).map(({ path }) => latin1OfText(path)),
  });
  const patterns = knowledge.ignore ? (profile?.persist.ignore ?? []) : [];
  const court = new Court(
    places,
    knowledge.persist,
    persistRoot === undefined ? undefined : latin1OfText(persistRoot),
    { ignores: compileIgnore(patterns), mayIgnoreIn: compileIgnoreIn(patterns) },
    knowledge.explain,
  );
  return {
    judge: (change) => court.judge(change),
    judgeFilesIn: (directory) => court.judgeFilesIn(directory),
  };
}

class Court {
  readonly #places: Places;
  readonly #persist: PersistSide | undefined;
  readonly #persistRoot: string | undefined;
  readonly #patterns: { readonly ignores: Matcher; readonly mayIgnoreIn: Matcher };
  readonly #explain: boolean;

  constructor(
    places: Places,
    persist: PersistSide | undefined,
    persistRoot: string | undefined,
    patterns: { readonly ignores: Matcher; readonly mayIgnoreIn: Matcher },
    explain: boolean,
  ) {
    this.#places = places;
    this.#persist = persist;
    this.#persistRoot = persistRoot;
    this.#patterns = patterns;
    this.#explain = explain;
  }

  judge(change: Change): Verdict {
    if (change.status === "D") return { fate: "restored", reason: "in the blank root" };
    const place = this.#places.at(change.path);
    const target = linkTarget(change);
    return (
      asMountPoint(change, place) ??
      this.#asLinkIntoPersist(target) ??
      this.#asListed(change, place) ??
      asParent(change, place) ??
      asManaged(target) ??
      this.#asIgnored(change) ??
      this.#asLost(change, place)
    );
  }

  judgeFilesIn(directory: Uint8Array): Verdict | undefined {
    const place = this.#places.allIn(directory);
    if (place === undefined || place.listing !== undefined || this.#explain) return undefined;
    if (this.#patterns.mayIgnoreIn(directory)) return undefined;
    return { fate: "lost", reason: place.isShadowed ? "shadowed" : "not listed" };
  }

  #asLinkIntoPersist(target: string | undefined): Verdict | undefined {
    if (target === undefined || this.#persistRoot === undefined) return undefined;
    if (!isWithin(target, this.#persistRoot)) return undefined;
    return { fate: "kept", reason: "link into persist" };
  }

  #asListed(change: Change, { listing }: Place): Verdict | undefined {
    if (listing === undefined) return undefined;
    const copy = this.#copyOf(change);
    if (copy === "equal") return { fate: "kept", reason: "listed and copied" };
    if (copy === "missing") return { fate: "lost", reason: "listed, not copied" };
    if (copy === "unreadable") return { fate: "lost", reason: "copy not readable" };
    if (copy === "differs" && listing === "entry" && isOnlyMountedOver(change)) {
      return { fate: "kept", reason: "mount point" };
    }
    return { fate: "lost", reason: "copy differs" };
  }

  #asIgnored(change: Change): Verdict | undefined {
    if (!this.#patterns.ignores(change.path)) return undefined;
    return { fate: "ignored", reason: "matches persist.ignore" };
  }

  #asLost(change: Change, { isShadowed, isLiveMountPoint }: Place): Verdict {
    if (isShadowed || isLiveMountPoint) return { fate: "lost", reason: "shadowed" };
    const isCopied = this.#explain && this.#copyOf(change) === "equal";
    return { fate: "lost", reason: isCopied ? "copied, not listed" : "not listed" };
  }

  #copyOf(change: Change): Copy {
    return this.#persist?.equalCopy(change.path) ?? "missing";
  }
}

/** A directory under a mount is only its place. A file is that only where it is empty. */
function asMountPoint(change: Change, place: Place): Verdict | undefined {
  const isOnlyPlace = isDirectory(change.type)
    ? place.isMountPoint
    : place.isLiveMountPoint && !holdsContent(change);
  return isOnlyPlace ? { fate: "kept", reason: "mount point" } : undefined;
}

/** What was added to lead to a mount point or a listed path is made again with it. */
function asParent(change: Change, place: Place): Verdict | undefined {
  if (change.status !== "A" || !isDirectory(change.type)) return undefined;
  if (!place.isParent || place.isShadowed) return undefined;
  return { fate: "kept", reason: "parent of a mount point or a listed path" };
}

function asManaged(target: string | undefined): Verdict | undefined {
  const place = target === undefined ? undefined : managedPlace(target);
  return place === undefined ? undefined : { fate: "managed", reason: `link into ${place}` };
}

function linkTarget(change: Change): string | undefined {
  const text = change.linkText();
  return text === undefined ? undefined : leadsTo(latin1(change.path), latin1(text));
}

/** A listed path that holds nothing itself: stage 2 mounts the copy over it. */
function isOnlyMountedOver(change: Change): boolean {
  return isDirectory(change.type) || (change.type === "file" && !holdsContent(change));
}

function holdsContent(change: Change): boolean {
  return change.type === "file" && change.inode().sizeBytes > 0;
}
