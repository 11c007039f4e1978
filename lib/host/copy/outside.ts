/**
 * The names of files that are hard links to what is copied, and are not copied
 * themselves: btrfs tells them from its metadata, without a search of the disk.
 */
import { latin1 } from "../../latin1.ts";
import type { OutsideNames, SourceEntry } from "../../plans/copy.ts";
import { libc, ptr } from "../libc.ts";
import type { SourceTrees } from "./trees.ts";

/** _IOWR(0x94, 35, struct btrfs_ioctl_ino_path_args) */
const IOC_INO_PATHS = 0xc0389423;
const InoPathArgs = { inode: 0, sizeBytes: 8, fspath: 48, size: 56 } as const;
/** struct btrfs_data_container: the offsets of NUL-ended paths, then these. */
const Container = { count: 8, values: 16 } as const;
const CONTAINER_BYTES = 65536;
/** Files whose names are asked for: a person reads no more. */
const FILES_MAX = 20;

/** Of the first files that have any; fewer where the file system doesn't tell. */
export function namesOutside(entries: readonly SourceEntry[], trees: SourceTrees): OutsideNames[] {
  const linked = entries.filter(({ status }) => status.links > 1 && status.type !== "directory");
  const groups = Map.groupBy(linked, ({ status }) => `${status.device}:${status.inode}`);
  const incomplete = [...groups.values()].filter((group) => group.length < group[0]!.status.links);
  return incomplete.slice(0, FILES_MAX).flatMap((group) => {
    const [{ path, status }] = group as [SourceEntry];
    const met = new Set(group.map((entry) => latin1(entry.path)));
    const names = namesOf(path, status.inode, trees).filter((name) => !met.has(latin1(name)));
    return names.length === 0 ? [] : [{ path, names }];
  });
}

/** All paths of an inode that is in the same tree as a path. */
function namesOf(path: Uint8Array, inode: bigint, trees: SourceTrees): Uint8Array[] {
  const { tree, rest } = trees.find(path);
  const above = path.subarray(0, path.length - rest.length);
  const found = new Uint8Array(new ArrayBuffer(CONTAINER_BYTES));
  const args = new DataView(new ArrayBuffer(InoPathArgs.size));
  args.setBigUint64(InoPathArgs.inode, inode, true);
  args.setBigUint64(InoPathArgs.sizeBytes, BigInt(CONTAINER_BYTES), true);
  args.setBigUint64(InoPathArgs.fspath, BigInt(ptr(found)), true);
  const bytes = new Uint8Array(args.buffer);
  if (libc().ioctl(tree.fd, IOC_INO_PATHS, ptr(bytes)) === -1) return [];
  const view = new DataView(found.buffer);
  const count = view.getUint32(Container.count, true);
  return Array.from({ length: count }, (_, index) => {
    const offset = Number(view.getBigUint64(Container.values + 8 * index, true));
    const start = Container.values + offset;
    const name = found.subarray(start, found.indexOf(0, start));
    return Buffer.concat([above, Buffer.from("/"), name]);
  });
}
