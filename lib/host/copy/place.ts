/**
 * Puts what is finished into its place, so that a name is there with all of its
 * file, or not at all.
 *
 * A new name is linked or renamed into nothing. One that replaces changes places
 * with what is there, which is then looked at once more: were it not what the plan
 * saw, both change back.
 */
import { Failure } from "../../fault.ts";
import type { InodeStatus } from "../../inode-status.ts";
import { visible } from "../../text.ts";
import { type Handle, lookAt } from "../at.ts";
import { statusAt, statusOf } from "../inode-status.ts";
import { CallFailure, checked, cString, errno, errnoName, lentName, libc, ptr } from "../libc.ts";
import { LeftOut } from "./left-out.ts";
import { RENAME_EXCHANGE, RENAME_NOREPLACE } from "./rename.ts";
import { isAsSeen, recordOf } from "./replaced.ts";
import type { Spot } from "./stage.ts";

const AT_FDCWD = -100;
const AT_SYMLINK_FOLLOW = 0x400;

/** Gives an inode that has no name yet, or another name, this one. */
export function link(inode: Handle, spot: Spot): void {
  const from = cString(inode.path);
  const to = cString(spot.name);
  const result = libc().linkat(AT_FDCWD, ptr(from), spot.directory, ptr(to), AT_SYMLINK_FOLLOW);
  checked(result, () => `Cannot put ${visible(spot.path)} in its place`);
}

/** Moves what is on the stage to its place, where there is nothing. */
export function moveInto(spot: Spot, staged: Spot): void {
  rename(staged, spot, RENAME_NOREPLACE);
}

/**
 * The same in the place of something.
 *
 * @param replacing where what is replaced stands until it was looked at
 * @param seen what the plan saw there
 */
export function replace(spot: Spot, staged: Spot, replacing: number, seen: InodeStatus): void {
  const copy = statusAt(staged.directory, lentName(staged.name))!;
  const aside = { directory: replacing, name: recordOf(copy, seen), path: spot.path };
  rename(staged, aside, RENAME_NOREPLACE);
  rename(aside, spot, RENAME_EXCHANGE);
  using former = lookAt(aside.directory, aside.name);
  if (former === undefined || !isAsSeen(statusOf(former.fd), seen)) {
    rename(aside, spot, RENAME_EXCHANGE);
    throw new LeftOut("what it would replace changed since it was looked at");
  }
  remove(aside);
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

function remove({ directory, name, path }: Spot): void {
  const text = cString(name);
  const result = libc().unlinkat(directory, ptr(text), 0);
  checked(result, () => `Cannot remove what ${visible(path)} replaces`);
}

/**
 * Takes back what was begun on a stage. Nobody but us gets there: where it fails, no more
 * is known of what is finished, and the run ends.
 */
export function removeUnfinished({ directory, name, path }: Spot, flags = 0): void {
  const text = lentName(name);
  if (libc().unlinkat(directory, ptr(text), flags) !== -1) return;
  const code = errnoName(errno());
  throw new Failure(`Cannot remove the unfinished copy of ${visible(path)}: ${code}`);
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
