/** Small files of a system as it sees them, whose `/` is an open directory. */
import { fstatSync, readFileSync } from "node:fs";
import { openInRoot, READ } from "../at.ts";

/** Where NixOS has the system that the next boot starts. */
export const NEXT_SYSTEM = "/nix/var/nix/profiles/system";

const SIZE_MAX_BYTES = 1024 ** 2;

/** The text of a file; undefined where there is none, or where it is no small file. */
export function textInRoot(top: number, path: string): string | undefined {
  using file = openInRoot(top, path, READ);
  if (file === undefined) return undefined;
  const stat = fstatSync(file.fd);
  if (!stat.isFile() || stat.size > SIZE_MAX_BYTES) return undefined;
  return readFileSync(file.fd, "utf8");
}
