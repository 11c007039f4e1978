/**
 * Puts what is finished into its place, so that a name is there with all of its
 * file, or not at all.
 *
 * A new name is linked or renamed into nothing. One that replaces changes places
 * with what is there, which is then looked at once more: were it not what the plan
 * saw, both change back.
 */
import { createHash } from "node:crypto";
import { Failure } from "../../fault.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { visible } from "../../text.ts";
import { type Handle, lookAt, statusOf } from "../at.ts";
import { CallFailure, checked, cString, errno, libc, ptr } from "../libc.ts";

const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;
const AT_REMOVEDIR = 0x200;
const RENAME_NOREPLACE = 1;
const RENAME_EXCHANGE = 2;

/** A name in an open directory. */
export interface Spot {
  readonly directory: number;
  readonly name: Uint8Array;
  /** The whole path, for errors. */
  readonly path: Uint8Array;
}

/** A spot beside another for what is not finished; what a killed run left in it is removed. */
export function spotBeside({ directory, name, path }: Spot): Spot {
  const digest = createHash("sha256").update(name).digest("hex").slice(0, 16);
  const beside = { directory, name: Buffer.from(`.blankroot-${digest}`), path };
  removeLeftover(beside);
  return beside;
}

/** Gives an inode that has no name yet, or another name, this one. */
export function link(inode: Handle, spot: Spot): void {
  const from = cString(inode.path);
  const to = cString(spot.name);
  const result = libc().linkat(AT_FDCWD, ptr(from), spot.directory, ptr(to), AT_SYMLINK_FOLLOW);
  checked(result, () => `Cannot put ${visible(spot.path)} in its place`);
}

/** Moves what lies beside a spot into it. @param replaces what the plan saw there */
export function moveInto(spot: Spot, beside: Spot, replaces: InodeStatus | undefined): void {
  rename(beside, spot, replaces === undefined ? RENAME_NOREPLACE : RENAME_EXCHANGE);
  if (replaces === undefined) return;
  using former = lookAt(beside.directory, beside.name);
  if (former === undefined || !isSame(statusOf(former.fd), replaces)) {
    rename(beside, spot, RENAME_EXCHANGE);
    throw new Failure(`Cannot replace ${visible(spot.path)}: it changed since it was looked at`);
  }
  remove(beside, 0);
}

/** ctime is left out: the exchange itself changes it. */
function isSame(now: InodeStatus, seen: InodeStatus): boolean {
  return (
    now.inode === seen.inode && now.mtimeNs === seen.mtimeNs && now.sizeBytes === seen.sizeBytes
  );
}

function rename(from: Spot, to: Spot, flags: number): void {
  const names = [cString(from.name), cString(to.name)] as const;
  const result = libc().renameat2(
    from.directory,
    ptr(names[0]),
    to.directory,
    ptr(names[1]),
    flags,
  );
  checked(result, () => `Cannot put ${visible(to.path)} in its place`);
}

function remove({ directory, name, path }: Spot, flags: number): void {
  const text = cString(name);
  const result = libc().unlinkat(directory, ptr(text), flags);
  checked(result, () => `Cannot remove what was beside ${visible(path)}`);
}

/** Such a directory is always empty: it gets its content in its place. */
function removeLeftover(spot: Spot): void {
  using leftover = lookAt(spot.directory, spot.name);
  if (leftover === undefined) return;
  remove(spot, statusOf(leftover.fd).type === "directory" ? AT_REMOVEDIR : 0);
}

/** Makes a directory, a symbolic link or a node at a spot, and opens a handle on it. */
export function make(spot: Spot, status: InodeStatus, linkText: Uint8Array | undefined): Handle {
  const name = cString(spot.name);
  const action = () => `Cannot make ${visible(spot.path)}`;
  if (status.type === "directory") {
    checked(libc().mkdirat(spot.directory, ptr(name), 0o700), action);
  } else if (linkText !== undefined) {
    const text = cString(linkText);
    checked(libc().symlinkat(ptr(text), spot.directory, ptr(name)), action);
  } else {
    const mode = TYPE_BITS[status.type] | 0o600;
    checked(libc().mknodat(spot.directory, ptr(name), mode, status.rdev), action);
  }
  const handle = lookAt(spot.directory, spot.name);
  if (handle !== undefined) return handle;
  throw new Failure(`${action()}: it vanished as soon as it was made`);
}

/** S_IFMT bits of mknod(2). */
const TYPE_BITS: Record<InodeStatus["type"], number> = {
  fifo: 0o010000,
  character: 0o020000,
  directory: 0o040000,
  block: 0o060000,
  file: 0o100000,
  symlink: 0o120000,
  socket: 0o140000,
};

/** Brings all that was written to a file system to its disk. */
export function syncAll(fd: number): void {
  if (libc().syncfs(fd) === -1)
    throw new CallFailure("Cannot bring the copies to the disk", errno());
}
