/** What a subvolume is like, by an open descriptor of its top; see linux/btrfs.h. */
import { readdirSync } from "node:fs";
import { readSubvolumeRecord, type SubvolumeRecord } from "../../btrfs/root-item.ts";
import { Failure } from "../../fault.ts";
import { subvolumeOf, syncFilesystem } from "../btrfs-ioctl.ts";
import { checked, libc, ptr } from "../libc.ts";
import { TreeSearch } from "../tree-search.ts";

/** _IOR(0x94, 25, __u64) */
const IOC_SUBVOL_GETFLAGS = 0x80089419;
const SUBVOL_RDONLY = 2n;

/** @throws Failure where it says nothing of its origin, as only very old ones do */
export function probeRecord(fd: number): SubvolumeRecord {
  syncFilesystem(fd);
  const record = readSubvolumeRecord(new TreeSearch(fd), subvolumeOf(fd));
  if (record !== undefined) return record;
  throw new Failure("Cannot tell what a subvolume is a snapshot of: its record is too old");
}

export interface SubvolumeState {
  /** The subvolume's own flag, whatever its mount is. */
  readonly readOnly: boolean;
  readonly empty: boolean;
}

/** @throws CallFailure where the descriptor is no subvolume's top */
export function probeSubvolumeState(fd: number): SubvolumeState {
  const flags = new DataView(new ArrayBuffer(8));
  const bytes = new Uint8Array(flags.buffer);
  const action = () => "Cannot ask for the flags of a subvolume";
  checked(libc().ioctl(fd, IOC_SUBVOL_GETFLAGS, ptr(bytes)), action);
  return {
    readOnly: (flags.getBigUint64(0, true) & SUBVOL_RDONLY) !== 0n,
    empty: readdirSync(`/proc/self/fd/${fd}`, { encoding: "buffer" }).length === 0,
  };
}
