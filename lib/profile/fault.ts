/** What is wrong at one place of a profile, before it is known which line that is. */

/** Deeper than any profile goes; what lies there is an unknown key or of a wrong kind. */
export const DEPTH_MAX = 8;

export type KeyPath = readonly (string | number)[];

export interface ProfileFault {
  /** The keys that lead to the value; empty for the profile itself. */
  readonly path: KeyPath;
  /** Current and wanted state, without the key and without a final period. */
  readonly message: string;
  /** Where the key itself is at fault (unknown, ill named) and not its value. */
  readonly atKey?: boolean;
}

/** The path as TOML would write it: `btrfs.subvolumes."my data".mount`, `persist.files[2]`. */
export function keyText(path: KeyPath): string {
  let text = "";
  for (const part of path) {
    if (typeof part === "number") text += `[${part}]`;
    else
      text += `${text === "" ? "" : "."}${/^[A-Za-z0-9_-]+$/.test(part) ? part : JSON.stringify(part)}`;
  }
  return text;
}
