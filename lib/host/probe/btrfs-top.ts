/** What lies at the top of a btrfs file system, seen through a mount of our own. */
import { lstatSync, readdirSync } from "node:fs";
import { type BtrfsTop, LIST_NAMES, type TopEntry } from "../../facts.ts";
import { Refusal } from "../../fault.ts";
import { type DetachedMount, mountDetached } from "../detached.ts";
import { run } from "../spawn.ts";
import { probeSignature } from "./contents.ts";
import { hibernationGuards } from "./hibernation.ts";

/** Inode number of the top directory of every subvolume: BTRFS_FIRST_FREE_OBJECTID. */
const SUBVOLUME_INODE = 256;

export async function probeBtrfsTop(node: string, names: readonly string[]): Promise<BtrfsTop> {
  const uuid = (await probeSignature(node))?.uuid;
  if (uuid === undefined) throw new Refusal(`Cannot use ${node}: it holds no file system`);
  using top = mountDetached(node, "/", "read-only");
  const entries = new Map<string, TopEntry>();
  for (const name of names) {
    const entry = await probeEntry(top, name);
    if (entry !== undefined) entries.set(name, entry);
  }
  const { stdout } = await run([...LIST_NAMES, "/proc/self/fd/3"], { inherit: [top.fd] });
  return {
    node,
    uuid,
    guards: await hibernationGuards(node),
    listing: stdout.replace(/\n+$/, ""),
    entries,
  };
}

async function probeEntry(top: DetachedMount, name: string): Promise<TopEntry | undefined> {
  const path = `/proc/self/fd/${top.fd}/${name}`;
  const found = lstatSync(path, { throwIfNoEntry: false });
  if (found === undefined) return undefined;
  if (!found.isDirectory()) return { kind: "other", readOnly: false, empty: false };
  const empty = readdirSync(path, { encoding: "buffer" }).length === 0;
  if (found.ino !== SUBVOLUME_INODE) return { kind: "directory", readOnly: false, empty };
  return { kind: "subvolume", readOnly: await isReadOnly(top, name), empty };
}

async function isReadOnly(top: DetachedMount, name: string): Promise<boolean> {
  const argv = ["btrfs", "property", "get", "-ts", `/proc/self/fd/3/${name}`, "ro"];
  return (await run(argv, { inherit: [top.fd] })).stdout.trim() === "ro=true";
}
