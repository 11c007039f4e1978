/** Paths that a comparison is limited to, looked up by their names before it begins. */
import { UsageFault } from "../fault.ts";
import { visible } from "../text.ts";
import { isDirectory } from "./change.ts";
import { rankOf } from "./listing-queries.ts";
import type { InodeId, Side } from "./side.ts";

/** @throws UsageFault where neither side has the path */
export function requireOneOf(
  root: Side,
  base: Side | undefined,
  names: readonly Uint8Array[],
): void {
  if (has(root, names) || (base !== undefined && has(base, names))) return;
  const path = names.map((name) => `/${visible(name)}`).join("");
  throw new UsageFault(`Cannot compare ${path}: no such path in the root, nor in its base`, {
    hint: "a path is looked up by its names; symlinks on the way are not followed",
  });
}

function has(side: Side, names: readonly Uint8Array[]): boolean {
  let directory: InodeId = side.top;
  for (const [index, name] of names.entries()) {
    const level = side.enter(directory);
    side.leave();
    level.rank = Math.max(rankOf(level.listing, name, true), rankOf(level.listing, name, false));
    if (level.rank < 0) return false;
    const target = side.target(level);
    if (!isDirectory(target.type)) return index === names.length - 1;
    directory = target;
  }
  return true;
}
