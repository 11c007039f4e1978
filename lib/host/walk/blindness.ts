/**
 * What a walk of mounted files did not see, counted while it goes and told once.
 */
import { plural } from "../../text.ts";

export class Blindness {
  /** Directories that we may not read. */
  directories = 0;
  /** Files that differ in time, and whose content we may not read. */
  contents = 0;
  /** Mounts that were not entered, whose mount points hide what lies beneath. */
  mounts = 0;

  /** One sentence each, without a full stop; none where everything was seen. */
  sentences(): string[] {
    const { directories, contents, mounts } = this;
    const told: string[] = [];
    if (directories > 0) told.push(`${of(directories, "directory")} could not be read`);
    if (contents > 0) {
      const files = plural(contents, "file");
      told.push(`${files} could not be read to be compared, and count as changed`);
    }
    if (mounts > 0) told.push(`what lies beneath ${plural(mounts, "mount")} is hidden`);
    return told;
  }
}

function of(count: number, noun: "directory"): string {
  return count === 1 ? `1 ${noun}` : `${count} directories`;
}
