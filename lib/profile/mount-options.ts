/**
 * Mount options: which hold for one mount, which for the whole file system.
 *
 * btrfs takes its own options from the first mount and ignores them on the rest,
 * so `compress` on one subvolume would silently hold for all or for none; only
 * what the kernel keeps per mount (mount(2), MS_NOSUID and its like) is taken there.
 */
import { nearest } from "../nearest.ts";
import { hasControls } from "./paths.ts";

const PAIRS = [
  ["ro", "rw"],
  ["nosuid", "suid"],
  ["nodev", "dev"],
  ["noexec", "exec"],
  ["nodiratime", "diratime"],
  ["nosymfollow", "symfollow"],
] as const;

/** Of these one at most: each says when access times are written. */
const ACCESS_TIMES = ["noatime", "atime", "relatime", "norelatime", "strictatime"] as const;

/** What the kernel keeps for each mount by itself. */
export const PER_MOUNT_OPTIONS: readonly string[] = [...PAIRS.flat(), ...ACCESS_TIMES];

/** Options that say which subvolume or disk is meant: that is the rest of the profile. */
const OURS = ["subvol", "subvolid", "device"];

/** Of the whole file system: any word that mount(8) could pass on. */
export function fileSystemOptionFault(option: string): string | undefined {
  const word = wordFault(option);
  if (word !== undefined) return word;
  const name = optionName(option);
  return OURS.includes(name)
    ? `${name} is set by blankroot itself, expected it left out`
    : undefined;
}

/** Of a single subvolume's mount. */
export function mountOptionFault(option: string): string | undefined {
  const word = wordFault(option);
  if (word !== undefined) return word;
  if (PER_MOUNT_OPTIONS.includes(option)) return undefined;
  const near = nearest(option, PER_MOUNT_OPTIONS);
  if (near !== undefined) return `not an option of a single mount, did you mean ${near}?`;
  return (
    "not an option of a single mount: btrfs has its own for the whole file system " +
    "(btrfs.mount_options), expected one such as nosuid, nodev, noexec, noatime or ro"
  );
}

/** What two options of one list say against each other, or the same twice. */
export function optionClash(options: readonly string[]): readonly [string, string] | undefined {
  const seen = new Map<string, string>();
  for (const option of options) {
    const group = clashGroup(option);
    const former = seen.get(group);
    if (former !== undefined) return [former, option];
    seen.set(group, option);
  }
  return undefined;
}

/** Options of one group exclude each other; any other word excludes only itself. */
function clashGroup(option: string): string {
  const pair = PAIRS.find((words) => words.some((word) => word === option));
  if (pair !== undefined) return pair[0];
  if (ACCESS_TIMES.some((word) => word === option)) return "access times";
  const name = optionName(option);
  return name === "compress-force" ? "compress" : name;
}

function optionName(option: string): string {
  return option.split("=", 1)[0]!;
}

function wordFault(option: string): string | undefined {
  if (option === "") return "expected an option";
  if (hasControls(option) || /[\s,"\\]/.test(option)) {
    return 'expected one option, without comma, blank, " or backslash';
  }
  return undefined;
}
