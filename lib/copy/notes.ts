/** What the user should know of a copy before it is made, a line each. */
import { latin1, latin1OfParent } from "../latin1.ts";
import type { CopyAction, CopyFacts, OutsideNames } from "../plans/copy.ts";
import { plural, visible } from "../text.ts";
import { mountAbove } from "./decision.ts";

/**
 * @param filled the directories that something is put into, as latin1
 * @param incomplete how many files have names that are not copied
 */
export function notesOf(
  facts: CopyFacts,
  actions: readonly CopyAction[],
  filled: ReadonlySet<string>,
  incomplete: number,
): string[] {
  const { absent, named, live, obstacles, outside } = facts;
  const beneath = named.filter((path) => mountAbove(latin1(path), live) !== undefined);
  const unnamed = Math.max(0, incomplete - outside.length);
  return [
    ...absent.map((path) => `${path} is listed, but there is nothing to copy`),
    ...noteIf(
      beneath.length,
      "path",
      "under a mount: what is copied lies beneath that, and is not what is seen there",
    ),
    ...obstacles.filter((path) => filled.has(latin1OfParent(path))).map(noteObstacle),
    ...hiding(facts, actions).map(noteHiding),
    ...outside.map(noteOutside),
    ...noteIf(
      unnamed,
      "file",
      "with hard links outside of what is copied: those names stay behind",
    ),
  ];
}

/** Mounts within what is copied that show something else than is copied there, as latin1. */
function hiding(
  { entries, live, mountedCopies, named }: CopyFacts,
  actions: readonly CopyAction[],
): string[] {
  if (live.size === 0) return [];
  const foreign = entries
    .filter(({ role }) => role === "named")
    .map(({ path }) => latin1(path))
    .filter((path) => live.has(path) && !mountedCopies.has(path));
  const written = actions.flatMap(({ path }) => mountAbove(latin1(path), live) ?? []);
  // Of a mount above what was named one by one a note of its own tells.
  const told = new Set(named.flatMap((path) => mountAbove(latin1(path), live) ?? []));
  return [...new Set([...foreign, ...written]).difference(told)].sort();
}

function noteIf(count: number, noun: string, text: string): string[] {
  return count === 0 ? [] : [`${plural(count, noun)} ${text}`];
}

function noteOutside({ path, names }: OutsideNames): string {
  const others = names.map((name) => visible(name)).join(", ");
  return `${visible(path)} has hard links outside of what is copied, which stay behind: ${others}`;
}

function noteHiding(mount: string): string {
  const path = visible(Buffer.from(mount, "latin1"));
  return `${path} is a mount: what lies beneath it is copied, and not what is seen there`;
}

function noteObstacle(path: Uint8Array): string {
  return `${visible(path)} of the persist root is in the way, and left by no run: what is new beside it will be left out, until that is removed`;
}
