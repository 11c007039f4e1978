/** The one change of a walk, aimed at each path that is reported. */
import { visible } from "../text.ts";
import type { Change, FileType, Inode, Status } from "./change.ts";
import { Vanished } from "./damage.ts";
import { readLinkText } from "./inode.ts";
import type { PathBuffer } from "./path-buffer.ts";
import type { InodeId, Side } from "./side.ts";

export class TreeChange implements Change {
  status: Status = "A";
  type: FileType = "file";
  readonly #path: PathBuffer;
  #side: Side | undefined;
  #tree = 0;
  #inode = 0;
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
    this.#tree = tree;
    this.#inode = inode;
    this.#parent = parent;
    this.#taken = undefined;
  }

  get path(): Uint8Array {
    this.#taken ??= this.#path.take();
    return this.#taken;
  }

  inode(): Inode {
    const target = {
      type: this.type,
      tree: this.#tree,
      inode: this.#inode,
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
