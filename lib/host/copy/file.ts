/**
 * One regular file, copied to a file that has no name yet.
 *
 * The original is looked at before and after: one that changed meanwhile is not
 * a copy, but two halves. Where the content is shared a try costs next to nothing,
 * so that even a log that is being written to is caught between two lines.
 */
import type { InodeStatus } from "../../inode-status.ts";
import { isUnchanged } from "../../inode-status.ts";
import { type Handle, openNameless, READ, reopen, statusOf } from "../at.ts";
import { attributesOf } from "../xattr.ts";
import { copyContent } from "./content.ts";
import { LeftOut } from "./left-out.ts";
import { copyFlags, copyOwnerAndMode, copyTimes } from "./metadata.ts";
import { CHANGES, openOriginal } from "./original.ts";

/** Of a file whose content can be shared. */
const TRIES = 5;

/**
 * @param directory where the copy is to have its name
 * @param onBytes see copyContent
 * @throws LeftOut, Failure
 */
export async function copyFile(
  root: number,
  directory: Handle,
  { path, status: seen }: { path: Uint8Array; status: InodeStatus },
  onBytes: (count: number) => Promise<void>,
): Promise<Handle> {
  for (let left = TRIES; left > 0; left--) {
    using original = openOriginal(root, path, seen);
    const { handle, status } = original;
    using source = reopen(handle, READ, path);
    using attempt = new DisposableStack();
    const copy = attempt.use(openNameless(directory, path));
    copyFlags(source, copy, path);
    const isShared = await copyContent(source, copy, status.sizeBytes, path, onBytes);
    copyOwnerAndMode(copy, status, attributesOf(handle), path);
    copyTimes(copy, status, path);
    if (isUnchanged(status, statusOf(handle.fd))) {
      attempt.move();
      return copy;
    }
    if (!isShared) break;
  }
  throw new LeftOut(CHANGES);
}
