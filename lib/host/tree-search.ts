/**
 * BTRFS_IOC_TREE_SEARCH_V2: pages of metadata straight from the kernel.
 *
 * It needs no mount of the subvolume, only a descriptor of anything on the file
 * system, and CAP_SYS_ADMIN. 64 KiB holds a usual directory in one call; smaller
 * pages cost more calls, larger ones are prepared in vain.
 */
import type { SearchKey } from "../btrfs/search-key.ts";
import type { Page, TreeReader } from "../btrfs/tree-reader.ts";
import { filesystemInfo, IOC_TREE_SEARCH_V2, ioctlFault, syncFilesystem } from "./btrfs-ioctl.ts";
import { CallFailure, libc, ptr } from "./libc.ts";

const PAGE_BYTES = 64 * 1024;

/** struct btrfs_ioctl_search_args_v2: the key, the size of the buffer, the buffer. */
const Args = {
  treeId: 0,
  minObjectid: 8,
  maxObjectid: 16,
  minOffset: 24,
  maxOffset: 32,
  minTransid: 40,
  maxTransid: 48,
  minType: 56,
  maxType: 60,
  itemCount: 64,
  bufferSize: 104,
  buffer: 112,
} as const;

const U32_MAX = 0xffffffff;
const TWO_32 = 2 ** 32;

export class TreeSearch implements TreeReader {
  readonly nodeSizeBytes: number;
  readonly filesystem: string;
  readonly #fd: number;
  readonly #args: DataView;
  readonly #page: Page;
  /** Stays right: the buffer is made before any view of it and lives as long as `#page`. */
  readonly #address: ReturnType<typeof ptr>;

  /** @param fd anything open on the file system; not closed here */
  constructor(fd: number) {
    const { id, nodeSizeBytes } = filesystemInfo(fd);
    this.#fd = fd;
    this.filesystem = id;
    this.nodeSizeBytes = nodeSizeBytes;
    const buffer = new ArrayBuffer(Args.buffer + PAGE_BYTES);
    const bytes = new Uint8Array(buffer);
    this.#args = new DataView(buffer);
    const end = bytes.length;
    this.#page = { bytes, view: this.#args, start: Args.buffer, count: 0, end, isLast: false };
    this.#address = ptr(bytes);
  }

  search(key: SearchKey, pageBytes = PAGE_BYTES): Page {
    const args = this.#args;
    this.#setU64(Args.treeId, key.tree);
    this.#setU64(Args.minObjectid, key.minObjectid);
    this.#setU64(Args.maxObjectid, key.maxObjectid);
    args.setUint32(Args.minOffset, key.minOffsetLow, true);
    args.setUint32(Args.minOffset + 4, key.minOffsetHigh, true);
    args.setUint32(Args.maxOffset, U32_MAX, true);
    args.setUint32(Args.maxOffset + 4, U32_MAX, true);
    this.#setU64(Args.minTransid, key.minTransid);
    args.setUint32(Args.maxTransid, U32_MAX, true);
    args.setUint32(Args.maxTransid + 4, U32_MAX, true);
    args.setUint32(Args.minType, key.minType, true);
    args.setUint32(Args.maxType, key.maxType, true);
    args.setUint32(Args.itemCount, U32_MAX, true);
    this.#setU64(Args.bufferSize, Math.min(pageBytes, PAGE_BYTES));
    const failed = libc().ioctl(this.#fd, IOC_TREE_SEARCH_V2, this.#address) === -1;
    if (failed) requireNoSuchTree(key);
    this.#page.end = Args.buffer + Math.min(pageBytes, PAGE_BYTES);
    this.#page.count = failed ? 0 : args.getUint32(Args.itemCount, true);
    return this.#page;
  }

  settle(): void {
    syncFilesystem(this.#fd);
  }

  #setU64(at: number, value: number): void {
    this.#args.setUint32(at, value, true);
    this.#args.setUint32(at + 4, value / TWO_32, true);
  }
}

/** ENOENT alone is an answer: the tree was deleted. */
function requireNoSuchTree(key: SearchKey): void {
  const fault = ioctlFault(`Cannot search inode ${key.minObjectid} of tree ${key.tree}`);
  if (!(fault instanceof CallFailure && fault.code === "ENOENT")) throw fault;
}
