/** Two subvolumes for tests of comparisons, and what a comparison says as lines. */
import { closeSync, openSync } from "node:fs";
import { commitTransaction } from "../../lib/host/btrfs-ioctl.ts";
import { diffSubvolumes } from "../../lib/host/diff.ts";
import { visible } from "../../lib/text.ts";
import { sh } from "./disk.ts";

/** A subvolume `root` in a folder of its own below `top`, filled by a shell script run in it. */
export function makeRoot(
  top: string,
  name: string,
  before: string,
): { root: string; base: string } {
  const dir = `${top}/${name}`;
  sh(["mkdir", dir]);
  sh(["btrfs", "--quiet", "subvolume", "create", `${dir}/root`]);
  inDirectory(`${dir}/root`, before);
  sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", `${dir}/root`, `${dir}/base`]);
  return { root: `${dir}/root`, base: `${dir}/base` };
}

/** The other way round: a read-only base filled by a script, and a root that is a snapshot of it. */
export function makeSnapshot(
  top: string,
  name: string,
  before: string,
): { root: string; base: string } {
  const dir = `${top}/${name}`;
  sh(["mkdir", dir]);
  sh(["btrfs", "--quiet", "subvolume", "create", `${dir}/base`]);
  inDirectory(`${dir}/base`, before);
  sh(["btrfs", "property", "set", "-ts", `${dir}/base`, "ro", "true"]);
  sh(["btrfs", "--quiet", "subvolume", "snapshot", `${dir}/base`, `${dir}/root`]);
  return { root: `${dir}/root`, base: `${dir}/base` };
}

/** Runs a script with sh in a directory. */
export function inDirectory(dir: string, script: string): void {
  sh(["sh", "-e", "-u", "-c", `cd "$1"\n${script}`, "sh", dir]);
}

/** The transaction that all that was written so far belongs to, or an earlier one. */
export function commitAt(root: string): number {
  const fd = openSync(root, "r");
  try {
    return commitTransaction(fd);
  } finally {
    closeSync(fd);
  }
}

/** `STATUS type path` for each change, in the order they came. */
export function changes(root: string, base: string | undefined, within?: string[]): string[] {
  const fds = [root, ...(base === undefined ? [] : [base])].map((dir) => openSync(dir, "r"));
  const lines: string[] = [];
  try {
    diffSubvolumes(
      { root: fds[0]!, base: fds[1], within: within?.map((path) => Buffer.from(path)) },
      ({ status, type, path }) => lines.push(`${status} ${type} ${visible(path)}`),
    );
  } finally {
    for (const fd of fds) closeSync(fd);
  }
  return lines;
}
