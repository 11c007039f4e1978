/** Deletes a subvolume by its id: BTRFS_IOC_SNAP_DESTROY_V2, from Linux 5.7 on. */
import { constants } from "node:fs";
import { openBeneath } from "./at.ts";
import { ioctlFault } from "./btrfs-ioctl.ts";
import { libc, ptr } from "./libc.ts";

/** _IOW(0x94, 63, struct btrfs_ioctl_vol_args_v2) */
const IOC_SNAP_DESTROY_V2 = 0x5000943f;
const Args = { flags: 16, subvolumeId: 56, bytes: 4096 } as const;
/** BTRFS_SUBVOL_SPEC_BY_ID */
const BY_ID = 1n << 4n;
const DIRECTORY = constants.O_RDONLY | constants.O_DIRECTORY;

/**
 * It must be empty of other subvolumes.
 *
 * @param mount a descriptor of the top of its file system, mounted for writing
 * @throws Failure
 */
export function deleteSubvolume(mount: number, id: number): void {
  // What names a place alone takes no ioctl.
  using top = openBeneath(mount, Buffer.from("."), DIRECTORY);
  const args = new DataView(new ArrayBuffer(Args.bytes));
  args.setBigUint64(Args.flags, BY_ID, true);
  args.setBigUint64(Args.subvolumeId, BigInt(id), true);
  const bytes = new Uint8Array(args.buffer);
  if (libc().ioctl(top.fd, IOC_SNAP_DESTROY_V2, ptr(bytes)) !== -1) return;
  throw ioctlFault(`Cannot delete subvolume ${id}`);
}
