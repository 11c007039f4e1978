/**
 * The originals, looked at again just before they are copied. In a frozen tree
 * there is nothing that could have changed.
 */
import { constants } from "node:fs";
import type { InodeStatus } from "../../inode-status.ts";
import { isSameInode, isUnchanged } from "../../inode-status.ts";
import { visible } from "../../text.ts";
import { Handle, lookAt, O_CLOEXEC, READ, reopen } from "../at.ts";
import { statusOf } from "../inode-status.ts";
import { checked, lentName, libc, ptr } from "../libc.ts";
import { LeftOut, orLeaveOut } from "./left-out.ts";

export const CHANGES = "it changes while it is copied";

/** A name in an open directory of the root. */
export interface SourceSpot {
  readonly directory: number;
  readonly name: Uint8Array;
  readonly path: Uint8Array;
  readonly isFrozen: boolean;
}

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
export function openOriginal({ directory, name }: SourceSpot, seen: InodeStatus): Original {
  const handle = orLeaveOut(() => lookAt(directory, name), "it can't be looked at");
  if (handle === undefined) throw new LeftOut("it is gone since it was looked at");
  const status = statusOf(handle.fd);
  const reason = whyNot(seen, status);
  if (reason === undefined) {
    return { handle, status, [Symbol.dispose]: () => handle[Symbol.dispose]() };
  }
  handle[Symbol.dispose]();
  throw new LeftOut(reason);
}

export interface OpenFile extends Disposable {
  /** Open for reading. */
  readonly file: Handle;
  readonly status: InodeStatus;
  /** Whether it is still as it was when it was opened. */
  isSettled(): boolean;
}

/** A regular file, opened for reading. @throws LeftOut */
export function openFile(spot: SourceSpot, seen: InodeStatus): OpenFile {
  return spot.isFrozen ? openFrozen(spot, seen) : openLive(spot, seen);
}

function openFrozen({ directory, name, path }: SourceSpot, status: InodeStatus): OpenFile {
  const text = lentName(name);
  const flags = READ | O_CLOEXEC | constants.O_NOFOLLOW;
  const open = () => libc().openat(directory, ptr(text), flags, 0);
  const file = new Handle(orLeaveOut(() => checked(open(), () => `Cannot open ${visible(path)}`)));
  return { file, status, isSettled: () => true, [Symbol.dispose]: () => file[Symbol.dispose]() };
}

function openLive(spot: SourceSpot, seen: InodeStatus): OpenFile {
  using opening = new DisposableStack();
  const { handle, status } = opening.use(openOriginal(spot, seen));
  // Only now for reading: to open a device or a fifo would already do something.
  const file = opening.use(reopen(handle, READ, spot.path));
  const opened = opening.move();
  return {
    file,
    status,
    isSettled: () => isUnchanged(status, statusOf(file.fd)),
    [Symbol.dispose]: () => opened.dispose(),
  };
}

function whyNot(seen: InodeStatus, now: InodeStatus): string | undefined {
  if (!isSameInode(seen, now) || seen.type !== now.type) {
    return "something else took its place since it was looked at";
  }
  const mayChange = now.type === "directory" || now.type === "file";
  return mayChange || isUnchanged(seen, now) ? undefined : CHANGES;
}
