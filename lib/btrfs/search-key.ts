/**
 * The range of a tree search, and how it moves on.
 *
 * The kernel compares a key (objectid, type, offset) as one number of 136 bits,
 * not field by field: the next key after an item is that number plus one, with
 * carry. 64-bit offsets are kept as two halves, for a search must neither round
 * them nor allocate.
 */
const U32_MAX = 0xffffffff;
const TYPE_MAX = 0xff;

/** All items of one or more objectids with types in a range: from the least key to the greatest. */
export class SearchKey {
  tree = 0;
  minObjectid = 0;
  minType = 0;
  minOffsetLow = 0;
  minOffsetHigh = 0;
  maxObjectid = 0;
  maxType = 0;
  /** Items in blocks that are older are left out, by leaf. */
  minTransid = 0;

  /** Aims at the items of one objectid, types from `minType` to `maxType`, all offsets. */
  aim(tree: number, objectid: number, minType: number, maxType: number): void {
    this.tree = tree;
    this.minObjectid = objectid;
    this.maxObjectid = objectid;
    this.minType = minType;
    this.maxType = maxType;
    this.minOffsetLow = 0;
    this.minOffsetHigh = 0;
    this.minTransid = 0;
  }

  /** Moves to just after an item. False when nothing of the range is left. */
  moveAfter(objectid: number, type: number, offsetLow: number, offsetHigh: number): boolean {
    this.minObjectid = objectid;
    this.minType = type;
    this.minOffsetLow = offsetLow === U32_MAX ? 0 : offsetLow + 1;
    this.minOffsetHigh = offsetHigh;
    if (this.minOffsetLow === 0) this.#carryIntoHighHalf();
    if (this.minObjectid !== this.maxObjectid) return this.minObjectid < this.maxObjectid;
    return this.minType <= this.maxType;
  }

  #carryIntoHighHalf(): void {
    this.minOffsetHigh = this.minOffsetHigh === U32_MAX ? 0 : this.minOffsetHigh + 1;
    if (this.minOffsetHigh !== 0) return;
    this.minType = this.minType === TYPE_MAX ? 0 : this.minType + 1;
    if (this.minType === 0) this.minObjectid++;
  }
}
