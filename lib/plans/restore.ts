/**
 * The plan of old-roots restore: a copy out of an old root, planned as persist-copy's
 * is, with the same conflicts and the same refusals. It differs in where it leads:
 * what would land beneath a mount is not put there, for nobody would see it.
 */
import { dirname } from "node:path/posix";
import { mountAbove } from "../copy/decision.ts";
import type { Destination } from "../copy/destinations.ts";
import { Refusal } from "../fault.ts";
import { latin1 } from "../latin1.ts";
import { plural, visible } from "../text.ts";
import { type CopyFacts, type CopyPlan, planCopy, type SideNames } from "./copy.ts";

export interface RestoreFacts
  extends Pick<
    CopyFacts,
    "entries" | "leftovers" | "obstacles" | "unreadable" | "live" | "mountPoints"
  > {
  /** Of the live mount points those that are files; paths as latin1. */
  readonly liveFiles: ReadonlySet<string>;
  readonly names: SideNames;
}

/** @throws Refusal naming paths that a mount hides from the live root */
export function refuseHidden(paths: readonly Uint8Array[], mountPoints: ReadonlySet<string>): void {
  const hidden = paths.flatMap((path) => {
    const above = mountAbove(latin1(path), mountPoints);
    return above === undefined ? [] : [{ path, above: Buffer.from(above, "latin1") }];
  });
  if (hidden.length === 0) return;
  const lines = hidden.map(
    ({ path, above }) => `\n    ${visible(path)}: ${visible(above)} is mounted over it`,
  );
  throw new Refusal(
    `Cannot restore to the live root what would not be seen there:${lines.join("")}`,
    {
      hint: "Nothing was copied. What the profile lists goes to the persist root, unless --to says otherwise",
    },
  );
}

/** @throws Refusal listing all conflicts */
export function planRestore(to: Destination, facts: RestoreFacts, update: boolean): CopyPlan {
  const mountedCopies = facts.live;
  const common = { ...facts, mountedCopies, named: [], outside: [], absent: [], writers: [] };
  // A copy in the persist root is seen through its mount: only a file's mount would be cut off.
  if (to === "persist") {
    return planCopy({ ...common, live: facts.liveFiles, persistPath: facts.names.to }, update);
  }
  const isHidden = (path: Uint8Array) =>
    mountAbove(dirname(latin1(path)), facts.mountPoints) !== undefined;
  const entries = facts.entries.filter(({ path }) => !isHidden(path));
  const plan = planCopy({ ...common, entries, persistPath: "" }, update);
  const hidden = facts.entries.length - entries.length;
  if (hidden === 0) return plan;
  const note = `${plural(hidden, "path")} under mounts left out: named one by one, what the profile lists goes to the persist root`;
  return { ...plan, notes: [...plan.notes, note] };
}
