/**
 * Losses by whom they belong to, summed up while the paths go by.
 *
 * Paths come in the order of a walk, so what is known of a directory is kept as long as
 * the walk is in it: that it is a project is seen by a name that need not come first, and
 * is decided where the walk leaves it. Memory is that of the directories on the way, and
 * of the groups.
 *
 * A file's time is its ctime: an archive or a copy brings any mtime with it, and ctime is
 * when it came here or was changed. A clock may be wrong, now or then: what is of a time
 * to come has no age, and is counted.
 */
import type { Time } from "../btrfs/change.ts";
import type { AddedFiles } from "../btrfs/visit.ts";
import { ByteSum, type Weight } from "../byte-sum.ts";
import { compareExact, type Exact } from "../exact.ts";
import { latin1, latin1Part } from "../latin1.ts";
import { isSameOwner, mayBeProject, type Owner, ownerOf } from "./owner.ts";
import { NAMES_MAX, type OwnerKind, PROJECT_MARKS } from "./places.ts";

export interface LossGroup {
  readonly kind: OwnerKind;
  /** Of a service or a user, else of a directory: bytes as latin1. */
  readonly name: string;
  /** The owner of a project's surroundings, whose name tells nothing that others can't see. */
  readonly within: Owner;
  /** Directories that hold all of it: bytes as latin1. */
  readonly places: readonly string[];
  readonly files: number;
  readonly bytes: Exact;
  /** What was changed last, not counting times to come; undefined where all are. */
  readonly newest: { readonly path: Uint8Array; readonly timeMs: number } | undefined;
  /** Changed within RECENT_MS. */
  readonly recent: { readonly files: number; readonly bytes: Exact };
  /** Of a time to come. */
  readonly future: number;
}

/** What is younger is probably what somebody is working on. */
export const RECENT_MS = 60 * 60 * 1000;
/** A walk takes its time, and files are written meanwhile. */
const WALK_MS = 60 * 1000;
const SLASH = 0x2f;
const DOT = 0x2e;
const MARKS: ReadonlySet<string> = new Set(PROJECT_MARKS.map(({ name }) => name));
const MARK_LENGTH_MAX = Math.max(...PROJECT_MARKS.map(({ name }) => name.length));

export class Losses {
  readonly #nowMs: number;
  readonly #groups = new Map<string, Sum>();
  /** The directories on the way, the top first. */
  readonly #levels: Level[] = [new Level(new Uint8Array(), "", ownerOf(""))];

  /** @param nowMs when the walk began */
  constructor(nowMs: number) {
    this.#nowMs = nowMs;
  }

  /** A path of the walk, whatever becomes of it: its name may show a project. */
  note(path: Uint8Array): void {
    const slash = path.lastIndexOf(SLASH);
    if (isMark(path, slash + 1)) this.#enter(path, slash).isProject = true;
  }

  /** A lost file. @param ctime its own */
  add(path: Uint8Array, weight: Weight, ctime: Time): void {
    const level = this.#enter(path, path.lastIndexOf(SLASH));
    level.sum ??= new Sum(level.owner);
    const timeMs = Number(ctime.seconds) * 1000 + Math.floor(ctime.nanoseconds / 1e6);
    level.sum.add(path, weight, timeMs, this.#nowMs);
  }

  /**
   * Notes and adds lost files of one directory, where nobody will ask when they were
   * changed.
   *
   * @param weight of all together
   */
  addFiles({ directory, entries, from, to }: AddedFiles, weight: Weight): void {
    const path = new Uint8Array(directory.length + 1);
    path.set(directory);
    path[directory.length] = SLASH;
    const level = this.#enter(path, directory.length);
    level.sum ??= new Sum(level.owner);
    level.sum.addFiles(to - from, weight);
    // The names rise.
    for (let rank = from; rank < to; rank++) {
      if (entries.arena[entries.nameStart(rank)]! > DOT) break;
      if (isMark(entries.name(rank), 0)) level.isProject = true;
    }
  }

  /** Ends the walk: all groups, the largest first. */
  groups(): LossGroup[] {
    while (this.#levels.length > 1) this.#leave();
    const { sum } = this.#levels[0]!;
    if (sum !== undefined) this.#settle(sum);
    this.#levels[0]!.sum = undefined;
    return Array.from(this.#groups.values(), (each) => each.group()).sort(
      (a, b) => compareExact(b.bytes, a.bytes) || b.files - a.files || (a.name < b.name ? -1 : 1),
    );
  }

  /** The level of the directory that holds a path. @param slash its last one */
  #enter(path: Uint8Array, slash: number): Level {
    let level = this.#levels.at(-1)!;
    while (!level.holds(path, slash)) {
      this.#leave();
      level = this.#levels.at(-1)!;
    }
    while (level.path.length < slash) {
      const end = path.indexOf(SLASH, level.path.length + 1);
      const bytes = path.slice(0, end);
      const text = latin1(bytes);
      level = new Level(bytes, text, ownerBelow(level, text, this.#levels.length));
      this.#levels.push(level);
    }
    return level;
  }

  #leave(): void {
    const { sum, isProject, owner, text } = this.#levels.pop()!;
    if (sum === undefined) return;
    const above = this.#levels.at(-1)!;
    if (isProject && mayBeProject(owner, text)) {
      this.#settle(sum.as({ kind: "project", name: text, place: text }));
    } else if (above.owner === owner) {
      if (above.sum === undefined) above.sum = sum;
      else above.sum.take(sum);
    } else this.#settle(sum);
  }

  #settle(sum: Sum): void {
    const { kind, name } = sum.owner;
    const key = `${kind} ${name}`;
    const group = this.#groups.get(key);
    if (group === undefined) this.#groups.set(key, sum);
    else group.take(sum);
  }
}

/** Whether a path ends with a name, from an offset on, that shows a project. */
function isMark(path: Uint8Array, start: number): boolean {
  if (path[start] !== DOT || path.length - start > MARK_LENGTH_MAX) return false;
  return MARKS.has(latin1Part(path, start));
}

/** Below a few names, and within what a service keeps, no table says anything more. */
function ownerBelow({ owner }: Level, directory: string, names: number): Owner {
  if (names > NAMES_MAX || owner.kind === "service") return owner;
  const own = ownerOf(directory);
  return isSameOwner(own, owner) && own.place === owner.place ? owner : own;
}

/** A directory on the way. */
class Level {
  /** Without a slash at its end; "" is the top. */
  readonly path: Uint8Array;
  readonly text: string;
  readonly owner: Owner;
  isProject = false;
  sum: Sum | undefined;

  constructor(path: Uint8Array, text: string, owner: Owner) {
    this.path = path;
    this.text = text;
    this.owner = owner;
  }

  /** Whether a path lies in it, at whatever depth. @param slash the path's last one */
  holds(path: Uint8Array, slash: number): boolean {
    const own = this.path;
    if (own.length > slash || path[own.length] !== SLASH) return false;
    // The last names differ first.
    for (let index = own.length - 1; index > 0; index--)
      if (own[index] !== path[index]) return false;
    return true;
  }
}

class Sum {
  owner: Owner;
  /** As the tables have it. */
  readonly #within: Owner;
  readonly #places: Set<string>;
  #files = 0;
  readonly #bytes = new ByteSum();
  #newestMs = Number.NEGATIVE_INFINITY;
  #newest: Uint8Array | undefined;
  #recentFiles = 0;
  readonly #recentBytes = new ByteSum();
  #future = 0;

  constructor(owner: Owner) {
    this.owner = owner;
    this.#within = owner;
    this.#places = new Set([owner.place]);
  }

  /** The same as a project's. */
  as(project: Owner): this {
    this.owner = project;
    this.#places.clear();
    this.#places.add(project.place);
    return this;
  }

  add(path: Uint8Array, weight: Weight, timeMs: number, nowMs: number): void {
    this.#files++;
    this.#bytes.add(weight);
    if (timeMs > nowMs + WALK_MS) {
      this.#future++;
      return;
    }
    if (timeMs > this.#newestMs) {
      this.#newestMs = timeMs;
      this.#newest = path.slice();
    }
    if (timeMs < nowMs - RECENT_MS) return;
    this.#recentFiles++;
    this.#recentBytes.add(weight);
  }

  addFiles(files: number, weight: Weight): void {
    this.#files += files;
    this.#bytes.add(weight);
  }

  take(other: Sum): void {
    for (const place of other.#places) this.#places.add(place);
    this.#files += other.#files;
    this.#bytes.addSum(other.#bytes);
    this.#recentFiles += other.#recentFiles;
    this.#recentBytes.addSum(other.#recentBytes);
    this.#future += other.#future;
    if (other.#newestMs <= this.#newestMs) return;
    this.#newestMs = other.#newestMs;
    this.#newest = other.#newest;
  }

  group(): LossGroup {
    const path = this.#newest;
    return {
      kind: this.owner.kind,
      name: this.owner.name,
      within: this.#within,
      places: [...this.#places].sort(),
      files: this.#files,
      bytes: this.#bytes.total,
      newest: path === undefined ? undefined : { path, timeMs: this.#newestMs },
      recent: { files: this.#recentFiles, bytes: this.#recentBytes.total },
      future: this.#future,
    };
  }
}
