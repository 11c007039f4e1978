/**
 * One regular file, copied onto a stage.
 *
 * The original is looked at before and after: one that changed meanwhile is not
 * a copy, but two halves. Where the content is shared a try costs next to nothing,
 * so that even a log that is being written to is caught between two lines.
 */
import { constants } from "node:fs";
import type { InodeStatus } from "../../inode-status.ts";
import { visible } from "../../text.ts";
import { Handle, O_CLOEXEC } from "../at.ts";
import { checked, lentName, libc, ptr } from "../libc.ts";
import { attributesOfOpen } from "../xattr.ts";
import type { ContentCopier } from "./content.ts";
import { flagsToCopy } from "./flags.ts";
import { LeftOut, orLeaveOut } from "./left-out.ts";
import { copyTimes, giveOwnerAndMode, PLAIN_MODE } from "./metadata.ts";
import { CHANGES, openFile, type SourceSpot } from "./original.ts";
import { removeUnfinished } from "./place.ts";
import type { Spot, StageTraits } from "./stage.ts";

/** Of a file whose content can be shared. */
const TRIES = 5;
export const CREATE =
  constants.O_RDWR | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW;

/**
 * @param stage that it is made on, at whatever depth
 * @throws LeftOut, Failure: then there is nothing on the stage
 */
export async function copyFile(
  source: SourceSpot,
  target: Spot,
  seen: InodeStatus,
  how: { content: ContentCopier; stage: StageTraits },
): Promise<void> {
  for (let left = TRIES; left > 0; left--) {
    const result = await tryToCopy(source, target, seen, how);
    if (result === "whole") return;
    removeUnfinished(target);
    if (result === "changed slowly") break;
  }
  throw new LeftOut(CHANGES);
}

async function tryToCopy(
  source: SourceSpot,
  target: Spot,
  seen: InodeStatus,
  { content, stage }: { content: ContentCopier; stage: StageTraits },
): Promise<"whole" | "changed" | "changed slowly"> {
  using original = openFile(source, seen);
  const { file, status } = original;
  using copy = create(target, status.mode & PLAIN_MODE);
  try {
    const flags = orLeaveOut(() => flagsToCopy(file.fd));
    stage.flags.give(copy.fd, flags, target.path);
    const isShared = await content.copy(file, copy, status, target.path);
    const attributes = orLeaveOut(() => attributesOfOpen(file));
    const given = { attributes, isLabelled: stage.isLabelled, mode: status.mode & PLAIN_MODE };
    giveOwnerAndMode(copy, status, given, target.path);
    copyTimes(copy.fd, status, target.path);
    if (original.isSettled()) return "whole";
    return isShared ? "changed" : "changed slowly";
  } catch (error) {
    removeUnfinished(target);
    throw error;
  }
}

function create({ directory, name, path }: Spot, mode: number): Handle {
  const text = lentName(name);
  const fd = libc().openat(directory, ptr(text), CREATE | O_CLOEXEC, mode);
  return new Handle(checked(fd, () => `Cannot make the copy of ${visible(path)}`));
}
