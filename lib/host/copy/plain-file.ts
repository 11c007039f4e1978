/**
 * Copies of plain files of a frozen tree, from one directory to another: what a copy of
 * thousands spends its time with, so it makes no more of a file than its calls need.
 *
 * What it can't do leaves nothing, and it doesn't say why: copyFile() tries it again, and
 * says.
 */
import { constants } from "node:fs";
import { Handle, O_CLOEXEC, READ } from "../at.ts";
import { deviceOf } from "../inode-status.ts";
import { cString, lentName, libc, ptr } from "../libc.ts";
import { AT_EMPTY_PATH, STATX_BASIC_STATS, Statx } from "../statx.ts";
import { attributesOfOpen, NONE } from "../xattr.ts";
import type { ContentCopier } from "./content.ts";
import { CREATE } from "./file.ts";
import { flagsToCopy } from "./flags.ts";
import { copyTimesOf, giveOwnerAndMode, PLAIN_MODE } from "./metadata.ts";
import { removeUnfinished } from "./place.ts";
import type { StageTraits } from "./stage.ts";

const OPEN = READ | O_CLOEXEC | constants.O_NOFOLLOW;
const PERMISSIONS = 0o7777;
const empty = cString("");

interface How {
  readonly stage: StageTraits;
  readonly isBare: boolean;
}

export class PlainFiles {
  readonly #content: ContentCopier;
  readonly #seen = new DataView(new ArrayBuffer(Statx.size));

  constructor(content: ContentCopier) {
    this.#content = content;
  }

  /**
   * @param source open directory, as is `target`
   * @param isBare whether the file is known to be: see InodeStatus
   * @returns how many bytes were copied and not shared; undefined where there is no copy
   */
  copy(source: number, target: number, name: Uint8Array, how: How): number | undefined {
    const text = lentName(name);
    const from = libc().openat(source, ptr(text), OPEN, 0);
    if (from === -1) return undefined;
    try {
      if (
        libc().statx(from, ptr(empty), AT_EMPTY_PATH, STATX_BASIC_STATS, ptr(this.#seen)) === -1
      ) {
        return undefined;
      }
      const mode = this.#seen.getUint16(Statx.mode, true) & PERMISSIONS;
      const to = libc().openat(target, ptr(text), CREATE | O_CLOEXEC, mode & PLAIN_MODE);
      if (to === -1) return undefined;
      try {
        return this.#fill(from, to, mode, name, how);
      } catch {
        removeUnfinished({ directory: target, name, path: name });
        return undefined;
      } finally {
        libc().close(to);
      }
    } finally {
      libc().close(from);
    }
  }

  /** @throws what goes wrong */
  #fill(from: number, to: number, mode: number, name: Uint8Array, { stage, isBare }: How): number {
    const seen = this.#seen;
    stage.flags.give(to, isBare ? 0 : flagsToCopy(from), name);
    const sizeBytes = Number(seen.getBigUint64(Statx.sizeBytes, true));
    let bytes = 0;
    if (sizeBytes > 0 && !this.#content.share(from, to, deviceOf(seen), name)) {
      for (const count of this.#content.copyExtents(from, to, sizeBytes, name)) bytes += count;
    }
    const attributes = isBare ? NONE : attributesOfOpen(new Handle(from));
    const uid = seen.getUint32(Statx.uid, true);
    const gid = seen.getUint32(Statx.gid, true);
    const given = { attributes, isLabelled: stage.isLabelled, mode: mode & PLAIN_MODE };
    giveOwnerAndMode(new Handle(to), { mode, uid, gid }, given, name);
    copyTimesOf(seen, to, name);
    return bytes;
  }
}
