/** The originals, looked at again just before they are copied. */
import type { InodeStatus } from "../../inode-status.ts";
import { isSameInode, isUnchanged } from "../../inode-status.ts";
import { type Handle, lookAt, statusOf } from "../at.ts";
import { LeftOut } from "./left-out.ts";

export const CHANGES = "it changes while it is copied";

export interface Original extends Disposable {
  readonly handle: Handle;
  /** As it is now: what the copy is given. */
  readonly status: InodeStatus;
}

/**
 * @param seen what the plan saw there. A directory may have got or lost names since,
 *   and a file content; anything else must be as it was.
 * @throws LeftOut
 */
export function openOriginal(root: number, path: Uint8Array, seen: InodeStatus): Original {
  const handle = lookAt(root, path);
  if (handle === undefined) throw new LeftOut("it is gone since it was looked at");
  const status = statusOf(handle.fd);
  const reason = whyNot(seen, status);
  if (reason === undefined) {
    return { handle, status, [Symbol.dispose]: () => handle[Symbol.dispose]() };
  }
  handle[Symbol.dispose]();
  throw new LeftOut(reason);
}

function whyNot(seen: InodeStatus, now: InodeStatus): string | undefined {
  if (!isSameInode(seen, now) || seen.type !== now.type) {
    return "something else took its place since it was looked at";
  }
  const mayChange = now.type === "directory" || now.type === "file";
  return mayChange || isUnchanged(seen, now) ? undefined : CHANGES;
}
