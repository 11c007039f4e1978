/**
 * Where the bytes of a file lie, and whether two files' bytes can differ.
 *
 * Two ranges that lie at the same address of the same file system are equal
 * without reading them. Where the addresses differ nothing is known yet: a
 * defragmented, deduplicated or rewritten file may hold the very same bytes, so
 * these ranges are read, and only these.
 */
import { damaged } from "./damage.ts";
import {
  EXTENT_DATA_KEY,
  FILE_EXTENT_INLINE,
  FILE_EXTENT_PREALLOC,
  FILE_EXTENT_REG,
  FileExtentItem,
} from "./format.ts";
import { type ItemCursor, u64 } from "./item-cursor.ts";
import { compareBytes } from "./sort.ts";

/** Reads and compares a range of both files' bytes. */
export type SameBytes = (offset: number, length: number) => boolean;

/**
 * Whether both files hold the same first `sizeBytes` bytes.
 *
 * @param sizeBytes of both; whatever is read ends with the file, so it may be rounded up
 * @param comparable whether both lie on one file system
 */
export function sameExtents(
  left: ExtentMap,
  right: ExtentMap,
  sizeBytes: number,
  comparable: boolean,
  sameBytes: SameBytes,
): boolean {
  let doubtfulFrom = -1;
  for (let position = 0; position < sizeBytes; ) {
    left.seek(position);
    right.seek(position);
    const same =
      left.readsAsZeros || right.readsAsZeros
        ? left.readsAsZeros && right.readsAsZeros
        : comparable && left.liesWhere(right);
    if (same && doubtfulFrom >= 0) {
      if (!sameBytes(doubtfulFrom, position - doubtfulFrom)) return false;
      doubtfulFrom = -1;
    }
    if (!same && doubtfulFrom < 0) doubtfulFrom = position;
    position = Math.min(left.end, right.end, sizeBytes);
  }
  return doubtfulFrom < 0 || sameBytes(doubtfulFrom, sizeBytes - doubtfulFrom);
}

/** A file's extents from its start on; what no item covers is a hole. */
export class ExtentMap {
  /** The current piece ends before this offset in the file. */
  end = 0;
  /** A hole, or space that was allocated and never written. */
  readsAsZeros = true;
  /** Address on the disk, where the bytes don't lie in the item itself. */
  #disk = 0;
  /** Those bytes, as they are in the item. */
  #inline: Uint8Array | undefined;
  /** Distance from an offset in the file to the one in the (decompressed) extent. */
  #shift = 0;
  #compression = 0;
  /** The item that the cursor stands at and that begins at or after the current piece. */
  #itemStart = Number.POSITIVE_INFINITY;
  readonly #cursor: ItemCursor;

  /** @param cursor where `readInode()` left it */
  constructor(cursor: ItemCursor) {
    this.#cursor = cursor;
    this.#advance();
  }

  /** Moves to the piece that covers an offset; offsets only grow. */
  seek(position: number): void {
    if (position < this.end) return;
    if (position < this.#itemStart) this.#beHole();
    else this.#takeItem();
  }

  /** Whether both pieces are the same bytes of the disk, or hold the same bytes in their items. */
  liesWhere(other: ExtentMap): boolean {
    if (this.#compression !== other.#compression) return false;
    if (this.#inline !== undefined || other.#inline !== undefined) {
      return sameInline(this.#inline, other.#inline);
    }
    return this.#disk === other.#disk && this.#shift === other.#shift;
  }

  #beHole(): void {
    this.readsAsZeros = true;
    this.end = this.#itemStart;
  }

  #takeItem(): void {
    const { bytes, view, at, length } = this.#cursor;
    const start = this.#itemStart;
    const type = view.getUint8(at + FileExtentItem.type);
    this.#compression = view.getUint8(at + FileExtentItem.compression);
    if (type === FILE_EXTENT_INLINE) {
      this.#inline = bytes.slice(at + FileExtentItem.inlineData, at + length);
      this.readsAsZeros = false;
      this.end = start + u64(view, at + FileExtentItem.ramBytes);
    } else {
      this.#inline = undefined;
      this.#disk = u64(view, at + FileExtentItem.diskBytenr);
      this.#shift = u64(view, at + FileExtentItem.offset) - start;
      this.readsAsZeros = type === FILE_EXTENT_PREALLOC || this.#disk === 0;
      this.end = start + u64(view, at + FileExtentItem.numBytes);
    }
    if (this.end <= start) throw damaged(this.#cursor, `an extent that ends at ${this.end}`);
    this.#advance();
  }

  /** Steps to the next item and checks that it can be read. */
  #advance(): void {
    const cursor = this.#cursor;
    this.#itemStart = Number.POSITIVE_INFINITY;
    do {
      if (!cursor.next()) return;
    } while (cursor.type !== EXTENT_DATA_KEY);
    const type =
      cursor.length < FileExtentItem.inlineData
        ? -1
        : cursor.view.getUint8(cursor.at + FileExtentItem.type);
    const known =
      type === FILE_EXTENT_INLINE ||
      ((type === FILE_EXTENT_REG || type === FILE_EXTENT_PREALLOC) &&
        cursor.length >= FileExtentItem.size);
    if (!known) throw damaged(cursor, `${cursor.length} bytes, not a file extent of a known type`);
    if (cursor.offset < this.end) {
      throw damaged(cursor, `begins inside the extent before it, which ends at ${this.end}`);
    }
    this.#itemStart = cursor.offset;
  }
}

function sameInline(left: Uint8Array | undefined, right: Uint8Array | undefined): boolean {
  if (left === undefined || right === undefined) return false;
  return compareBytes(left, 0, left.length, right, 0, right.length) === 0;
}
