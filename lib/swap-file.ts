/**
 * Where the swap file of a profile is: on a subvolume of its own, for swap can neither
 * be compressed nor be in a snapshot; see "Swapfile support" in btrfs(5).
 */
import type { Profile } from "./profile.ts";

/** At the top of the file system. */
export const SWAP_SUBVOLUME = "swap";
export const SWAP_MOUNT = "/swap";
/** In the subvolume. NixOS makes it, with the size of the profile. */
export const SWAP_FILE = "swapfile";

export function hasSwapFile({ disk }: Pick<Profile, "disk">): boolean {
  return disk.swap?.kind === "file";
}
