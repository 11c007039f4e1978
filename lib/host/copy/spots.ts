/** What stands at a name of a directory: its status, its text, how it differs from its copy. */
import type { InodeStatus } from "../../inode-status.ts";
import type { CopyState } from "../../plans/copy.ts";
import { visible } from "../../text.ts";
import { type Handle, linkTextOf, lookAt } from "../at.ts";
import { compareHandles } from "../compare.ts";
import { statusAt, statusOf } from "../inode-status.ts";
import { CallFailure, lentName } from "../libc.ts";
import { reasonOfDisk } from "./left-out.ts";

/** @throws CallFailure that names the path */
export function statusNamed(
  directory: number,
  name: Uint8Array,
  path: Uint8Array,
): InodeStatus | undefined {
  try {
    return statusAt(directory, lentName(name));
  } catch (error) {
    if (!(error instanceof CallFailure)) throw error;
    throw new CallFailure(`Cannot look at ${visible(path)}`, error.errno);
  }
}

export function linkTextAt(directory: number, name: Uint8Array): Uint8Array | undefined {
  using link = lookAt(directory, name);
  return link !== undefined && statusOf(link.fd).type === "symlink" ? linkTextOf(link) : undefined;
}

/** @param path for errors */
export function stateOf(original: Handle, copy: Handle, path: Uint8Array): CopyState {
  const status = statusOf(copy.fd);
  try {
    return { status, differences: compareHandles(original, copy, path) };
  } catch (error) {
    const unreadable = reasonOfDisk(error, "it can't be compared with its copy");
    if (unreadable === undefined) throw error;
    return { status, differences: ["content"], unreadable };
  }
}
