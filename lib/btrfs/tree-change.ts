/** The one change of a walk, aimed at each path that is reported. */
import { visible } from "../text.ts";
import type { Change, FileType, Status } from "./change.ts";
import { Vanished } from "./damage.ts";
import { type InodeDetails, readLinkText } from "./inode.ts";
import type { PathBuffer } from "./path-buffer.ts";
import type { InodeId, Side } from "./side.ts";

export class TreeChange implements Change {
  status: Status = "A";
  type: FileType = "file";
  readonly #path: PathBuffer;
  #side: Side | undefined;
  /** Which inode it is. */
  tree = 0;
  inodeNumber = 0;
  #parent: InodeId | undefined;
  #taken: Uint8Array | undefined;

  constructor(path: PathBuffer) {
    this.#path = path;
  }

  aim(
    status: Status,
    type: FileType,
    side: Side,
    tree: number,
    inode: number,
    parent: InodeId | undefined,
  ): void {
    this.status = status;
    this.type = type;
    this.#side = side;
    this.tree = tree;
    this.inodeNumber = inode;
    this.#parent = parent;
    this.#taken = undefined;
  }

  get path(): Uint8Array {
    this.#taken ??= this.#path.take();
    return this.#taken;
  }

  inode(): InodeDetails {
    const target = {
      type: this.type,
      tree: this.tree,
      inode: this.inodeNumber,
      parent: this.#parent,
    };
    const inode = this.#side!.inode(target);
    if (inode !== undefined) return inode;
    throw new Vanished(`Cannot look at ${visible(this.path)}: it went away meanwhile`);
  }

  linkText(): Uint8Array | undefined {
    if (this.type !== "symlink") return undefined;
    this.inode();
    return readLinkText(this.#side!.cursor);
  }
}
