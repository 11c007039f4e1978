/** Whether a root has a path as another has it: by type, size and time, not by content. */
import { type Change, isDirectory } from "../../btrfs/change.ts";
import { latin1 } from "../../latin1.ts";
import type { Presence } from "../../report/found.ts";
import { linkTextOf, lookAt } from "../at.ts";
import { statusOf } from "../inode-status.ts";

const BILLION = 1_000_000_000n;

/** @param top of the other root, open; the path is looked for through no symbolic link */
export function stateBelow(top: number, change: Change): Presence {
  using found = lookAt(top, change.path);
  if (found === undefined) return "gone";
  const { type, sizeBytes, mtimeNs } = statusOf(found.fd);
  if (isDirectory(change.type)) return type === "directory" ? "same" : "differs";
  if (type !== change.type) return "differs";
  // Links are made anew at every boot: what they say is what counts.
  const text = change.linkText();
  if (text !== undefined) return latin1(text) === latin1(linkTextOf(found)) ? "same" : "differs";
  const { sizeBytes: size, mtime } = change.inode();
  const time = BigInt(mtime.seconds) * BILLION + BigInt(mtime.nanoseconds);
  return Number(size) === sizeBytes && time === mtimeNs ? "same" : "differs";
}
