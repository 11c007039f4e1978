/**
 * Whether a btrfs that is mounted already has the options of the profile.
 *
 * btrfs takes its own options from the first mount and says nothing of those of a
 * later one; so they are looked for where the kernel shows them (show_options in
 * fs/btrfs/super.c). One that it never shows can't be judged, and is passed over.
 */
import { PER_MOUNT_OPTIONS } from "../profile/mount-options.ts";

/** As the kernel shows them; what turns them off isn't shown itself. */
const SHOWN = [
  "autodefrag",
  "degraded",
  "discard",
  "flushoncommit",
  "noacl",
  "nobarrier",
  "nodatacow",
  "nodatasum",
  "nossd",
  "ssd_spread",
  "user_subvol_rm_allowed",
];
const OFF: Readonly<Record<string, string>> = {
  acl: "noacl",
  barrier: "nobarrier",
  datacow: "nodatacow",
  datasum: "nodatasum",
  noautodefrag: "autodefrag",
  nodiscard: "discard",
  noflushoncommit: "flushoncommit",
};
const COMPRESSIONS = ["compress", "compress-force"];

/** The wanted options of the whole file system that it is mounted without. */
export function missingOptions(wanted: readonly string[], shown: readonly string[]): string[] {
  return wanted.filter(
    (option) => !PER_MOUNT_OPTIONS.includes(option) && isJudged(option) && !holds(option, shown),
  );
}

function isJudged(option: string): boolean {
  const name = nameOf(option);
  return SHOWN.includes(name) || Object.hasOwn(OFF, option) || COMPRESSIONS.includes(name);
}

function holds(option: string, shown: readonly string[]): boolean {
  const off = Object.hasOwn(OFF, option) ? OFF[option] : undefined;
  if (off !== undefined) return !shown.some((other) => nameOf(other) === off);
  const name = nameOf(option);
  if (COMPRESSIONS.includes(name)) return holdsCompression(option, shown);
  // The plain discard is the synchronous one.
  return shown.includes(option === "discard=sync" ? "discard" : option);
}

/** "compress=zstd" is shown with the level it stands for: "compress=zstd:3". */
function holdsCompression(option: string, shown: readonly string[]): boolean {
  const [name, algorithm = "zlib"] = option.split("=", 2);
  if (algorithm === "no" || algorithm === "none") {
    return !shown.some((other) => COMPRESSIONS.includes(nameOf(other)));
  }
  return shown.some(
    (other) => other === `${name}=${algorithm}` || other.startsWith(`${name}=${algorithm}:`),
  );
}

function nameOf(option: string): string {
  return option.split("=", 1)[0]!;
}
