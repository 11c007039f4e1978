/** The old roots, told to people and to programs. */
import { type DiskSpace, isNearlyFull } from "../nearly-full.ts";
import { bootOfOldRoot } from "../old-roots.ts";
import { METHOD_TEXT, type SpaceMethod } from "../space-method.ts";
import { formatBytes, plural, visible } from "../text.ts";
import { pathFields, toJson } from "./json.ts";

export interface Space {
  readonly bytes: number;
  readonly exclusiveBytes: number;
  readonly method: SpaceMethod;
}

export interface ListedRoot {
  readonly name: string;
  readonly time: Date;
  readonly space: Space;
  /** rollback.keep no longer asks for it. */
  readonly isDue: boolean;
}

export interface OldRootList {
  readonly device: string;
  readonly directory: string;
  /** The newest first. */
  readonly roots: readonly ListedRoot[];
  /** Of those that are due, taken together; undefined where none is. */
  readonly due: Space | undefined;
  readonly strangers: ReadonlyArray<{ readonly name: Uint8Array; readonly reason: string }>;
  readonly disk: DiskSpace;
  readonly now: Date;
}

const DAY_MS = 24 * 60 * 60 * 1000;

/** A line for each, in columns. */
export function oldRootLines({ roots, now }: OldRootList): string[] {
  const rows = roots.map(({ name, time, space, isDue }) => [
    name,
    ageText(time, now),
    `holds ${formatBytes(space.bytes)}`,
    `alone ${formatBytes(space.exclusiveBytes)}`,
    isDue ? "no longer kept" : "",
  ]);
  const widths = rows[0]?.map((_, column) => Math.max(...rows.map((row) => row[column]!.length)));
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths![column]!))
      .join("  ")
      .trimEnd(),
  );
}

export function ageText(time: Date, now: Date): string {
  const days = Math.floor((now.getTime() - time.getTime()) / DAY_MS);
  if (days < 0) return "of the future";
  return days === 0 ? "of today" : `${plural(days, "day")} old`;
}

/** One sentence without a period. */
export function oldRootSummary({ device, directory, roots, due }: OldRootList): string {
  const all = `${plural(roots.length, "old root")} in ${visible(directory)} on ${visible(device)}`;
  const [first] = roots;
  if (first === undefined) return all;
  if (due === undefined)
    return `${all}, all of them kept; sizes ${METHOD_TEXT[first.space.method]}`;
  const count = roots.filter(({ isDue }) => isDue).length;
  return `${all}; pruning deletes ${count} and ${freedText(due)}`;
}

/** What deleting frees, and how that is known. */
export function freedText({ exclusiveBytes, method }: Space): string {
  return `frees ${formatBytes(exclusiveBytes)} (${METHOD_TEXT[method]})`;
}

/** Undefined where there is room enough. */
export function fullText({
  device,
  disk,
  due,
}: Pick<OldRootList, "device" | "disk" | "due">): string | undefined {
  if (!isNearlyFull(disk)) return undefined;
  const left = `${formatBytes(disk.freeBytes)} left of ${formatBytes(disk.sizeBytes)}`;
  const help =
    due === undefined
      ? "no old root is due, rollback.keep asks for all of them"
      : `old-roots prune ${freedText(due)}`;
  return `${visible(device)} is nearly full, ${left}: ${help}`;
}

export function oldRootJson(list: OldRootList): string {
  return toJson(
    {
      device: list.device,
      directory: list.directory,
      size: list.disk.sizeBytes,
      free: list.disk.freeBytes,
      nearly_full: isNearlyFull(list.disk),
      roots: list.roots.map(({ name, time, space, isDue }) => ({
        name,
        time: time.toISOString().replace(".000Z", "Z"),
        boot: bootOfOldRoot(name),
        ...spaceFields(space),
        due: isDue,
      })),
      due: list.due === undefined ? null : spaceFields(list.due),
      others: list.strangers.map(({ name, reason }) => ({ ...pathFields(name), reason })),
    },
    2,
  );
}

function spaceFields({ bytes, exclusiveBytes, method }: Space) {
  return { bytes, exclusive: exclusiveBytes, method };
}
