/** Where the old partition table is kept: root's home where there is one, for /tmp is everybody's. */
import { existsSync } from "node:fs";
import { join } from "node:path";

/** A name that no former run has used: the time is in it, to the millisecond. */
export function tableFileFor(kernelName: string, now = new Date()): string {
  const time = now.toISOString().replace(/[-:.]/g, "");
  const folder = existsSync("/root") ? "/root" : "/tmp";
  return join(folder, `${kernelName}-table-${time}.sfdisk`);
}
