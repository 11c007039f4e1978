/** Changes made up for tests of what is done with them. */
import type { Change, FileType, Status, Time } from "../../lib/btrfs/change.ts";
import type { Exact } from "../../lib/exact.ts";

export interface ChangeOptions {
  readonly path: string | Uint8Array;
  readonly status?: Status;
  /** A file, or a symlink where it has a text. */
  readonly type?: FileType;
  readonly sizeBytes?: Exact;
  readonly links?: number;
  readonly link?: string;
  readonly mtime?: Time;
  readonly ctime?: Time;
}

export function madeUpChange(options: ChangeOptions): Change {
  const { path, status = "A", type, sizeBytes = 0, links = 1, link } = options;
  return {
    status,
    type: type ?? (link === undefined ? "file" : "symlink"),
    path: typeof path === "string" ? new TextEncoder().encode(path) : path,
    inode: () => ({
      sizeBytes,
      links,
      mode: 0o100644,
      uid: 0,
      gid: 0,
      mtime: options.mtime ?? { seconds: 0, nanoseconds: 0 },
      ctime: options.ctime ?? { seconds: 0, nanoseconds: 0 },
    }),
    linkText: () => (link === undefined ? undefined : new TextEncoder().encode(link)),
  };
}
