/** What is no regular file, made on a stage: directories, symbolic links, nodes. */
import type { InodeStatus } from "../../inode-status.ts";
import { type Handle, linkTextOf, READ_DIRECTORY, reopen } from "../at.ts";
import { attributesOf, NONE } from "../xattr.ts";
import { flagsToCopy } from "./flags.ts";
import { orLeaveOut } from "./left-out.ts";
import { copyOwnerAndMode, copyTimes } from "./metadata.ts";
import { openOriginal, type SourceSpot } from "./original.ts";
import { make, removeUnfinished } from "./place.ts";
import type { Spot } from "./stage.ts";
import { makeDirectory, type NewDirectory } from "./staging.ts";

/**
 * @param original where it is, asked for unless `seen` tells all
 * @param seen what the plan saw there
 * @returns a directory, and what it is to be given once its content is there
 * @throws LeftOut, Failure: then there is nothing on the stage
 */
export function makeOther(
  original: () => SourceSpot,
  spot: Spot,
  seen: InodeStatus,
): NewDirectory | undefined {
  const { path } = spot;
  if (seen.type === "directory" && seen.isBare === true) {
    makeDirectory(spot, NONE, 0);
    return { path, status: seen, attributes: NONE, flags: 0 };
  }
  using opened = openOriginal(original(), seen);
  const { handle, status } = opened;
  const attributes = orLeaveOut(() => attributesOf(handle));
  if (status.type === "directory") {
    const flags = orLeaveOut(() => flagsOfDirectory(handle, path));
    makeDirectory(spot, attributes, flags);
    return { path, status, attributes, flags };
  }
  const linkText = status.type === "symlink" ? orLeaveOut(() => linkTextOf(handle)) : undefined;
  using copy = make(spot, status, linkText);
  try {
    copyOwnerAndMode(copy, status, attributes, path);
    copyTimes(copy.fd, status, path);
  } catch (error) {
    removeUnfinished(spot);
    throw error;
  }
  return undefined;
}

function flagsOfDirectory(handle: Handle, path: Uint8Array): number {
  using directory = reopen(handle, READ_DIRECTORY, path);
  return flagsToCopy(directory.fd);
}
