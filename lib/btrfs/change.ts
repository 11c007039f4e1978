/**
 * What a comparison of two subvolumes says of one path: the word that the
 * metadata reader gives and everything above it takes.
 *
 * A change is lent: it and its path are used again for the next one, for there may
 * be a million, of which most are only printed or counted. What needs another look
 * at the metadata (inode, text of a link) is asked for when wanted.
 */
import type { Exact } from "../exact.ts";

/** `A` added, `M` content changed, `m` metadata only, `T` type changed, `D` in the base but gone. */
export type Status = "A" | "M" | "m" | "T" | "D";

export type FileType =
  | "file"
  | "directory"
  | "symlink"
  | "fifo"
  | "socket"
  | "character"
  | "block"
  /** The top directory of a nested subvolume. */
  | "subvolume";

/** Since 1970. */
export interface Time {
  readonly seconds: Exact;
  readonly nanoseconds: number;
}

/** The part of btrfs_inode_item that people ask for. */
export interface Inode {
  readonly sizeBytes: Exact;
  /** st_mode whole, type bits included. */
  readonly mode: number;
  readonly uid: number;
  readonly gid: number;
  readonly links: number;
  readonly mtime: Time;
  /** Of the last change of any kind; nobody can set it but the clock. */
  readonly ctime: Time;
}

/** Valid until the visit it is given to returns. */
export interface Change {
  readonly status: Status;
  /** The type in root; in the base where the path is gone from root. */
  readonly type: FileType;
  /** Absolute below the compared root, beginning with "/"; bytes as the disk has them. Lent. */
  readonly path: Uint8Array;
  /** The inode in root; in the base where the path is gone from root. */
  inode(): Inode;
  /** The text of a symlink, undefined for every other type. */
  linkText(): Uint8Array | undefined;
}

/** Whether the path is a directory for those who list files. */
export function isDirectory(type: FileType): boolean {
  return type === "directory" || type === "subvolume";
}
