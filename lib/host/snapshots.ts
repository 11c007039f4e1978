/**
 * Snapshots of btrfs, taken and deleted by descriptor and name: no path is resolved
 * but the one name in an open directory. Numbers and layouts: linux/btrfs.h.
 */
import { ioctlFault } from "./btrfs-ioctl.ts";
import { libc, ptr } from "./libc.ts";

/** _IOW(0x94, 23, struct btrfs_ioctl_vol_args_v2) */
const IOC_SNAP_CREATE_V2 = 0x50009417;
/** _IOW(0x94, 15, struct btrfs_ioctl_vol_args) */
const IOC_SNAP_DESTROY = 0x5000940f;
/** _IOR(0x94, 60, struct btrfs_ioctl_get_subvol_info_args) */
const IOC_GET_SUBVOL_INFO = 0x81f8943c;
const ARGUMENT_BYTES = 4096;
const VolArgs = { fd: 0, name: 8 } as const;
const VolArgsV2 = { fd: 0, flags: 16, name: 56 } as const;
const SubvolInfo = { flags: 288, parentUuid: 312, ctransid: 344, size: 504 } as const;
const SUBVOL_RDONLY = 2n;
const ROOT_SUBVOL_RDONLY = 1n;
const UUID_BYTES = 16;

export interface SubvolumeInfo {
  readonly isReadOnly: boolean;
  readonly isSnapshot: boolean;
  /** The transaction that changed it last. */
  readonly changed: bigint;
}

/** Takes a read-only one. @param directory that is to hold it. @throws CallFailure */
export function takeSnapshot(source: number, directory: number, name: string): void {
  const argument = new DataView(new ArrayBuffer(ARGUMENT_BYTES));
  argument.setBigInt64(VolArgsV2.fd, BigInt(source), true);
  argument.setBigUint64(VolArgsV2.flags, SUBVOL_RDONLY, true);
  const bytes = new Uint8Array(argument.buffer);
  bytes.set(Buffer.from(name), VolArgsV2.name);
  const taken = libc().ioctl(directory, IOC_SNAP_CREATE_V2, ptr(bytes));
  if (taken === -1) throw ioctlFault("Cannot take a snapshot");
}

/** Deletes a subvolume, which must hold no other. @throws CallFailure */
export function deleteSubvolume(directory: number, name: string): void {
  const bytes = new Uint8Array(new ArrayBuffer(ARGUMENT_BYTES));
  bytes.set(Buffer.from(name), VolArgs.name);
  const deleted = libc().ioctl(directory, IOC_SNAP_DESTROY, ptr(bytes));
  if (deleted === -1) throw ioctlFault(`Cannot delete the snapshot ${name}`);
}

/** @param fd open in it. @throws Refusal where it is not on btrfs, CallFailure */
export function subvolumeInfo(fd: number): SubvolumeInfo {
  const info = new DataView(new ArrayBuffer(SubvolInfo.size));
  const bytes = new Uint8Array(info.buffer);
  const known = libc().ioctl(fd, IOC_GET_SUBVOL_INFO, ptr(bytes));
  if (known === -1) throw ioctlFault("Cannot tell what a subvolume is");
  const parent = bytes.subarray(SubvolInfo.parentUuid, SubvolInfo.parentUuid + UUID_BYTES);
  return {
    isReadOnly: (info.getBigUint64(SubvolInfo.flags, true) & ROOT_SUBVOL_RDONLY) !== 0n,
    isSnapshot: parent.some((byte) => byte !== 0),
    changed: info.getBigUint64(SubvolInfo.ctransid, true),
  };
}
