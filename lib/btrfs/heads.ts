/**
 * Sorting of byte strings by a few bytes of each, held as numbers: those behind what
 * all have in common, for that is where names of one directory differ (`file-0017`).
 *
 * The number of a string's slot stands in the lower bits of its key, so that the
 * engine's own sort of numbers, which runs at full speed from the first call on,
 * brings the slots into order. What these bytes don't tell apart is compared whole.
 */
import { type Compare, sortOrder } from "./sort.ts";

/** What a double holds exactly. */
const KEY_BITS = 53;
/** How many bytes of each fit beside the numbers of so many slots. */
const HEADS = [
  { bytes: 5, countMax: 2 ** 13 },
  { bytes: 4, countMax: 2 ** 21 },
  { bytes: 3, countMax: 2 ** 29 },
] as const;

let keys = new Float64Array(256);

/** Byte strings by slot, none with a zero byte. */
export interface Strings {
  readonly arena: Uint8Array;
  /** Where each begins in the arena. */
  readonly start: Uint32Array;
  readonly length: Uint16Array;
}

/**
 * Sorts the first `count` slots, which stand in their own order.
 *
 * @param compare of slots that may be alike
 */
export function sortSlots(
  order: Uint32Array,
  count: number,
  strings: Strings,
  compare: Compare,
): void {
  if (count < 2) return;
  const { bytes } = HEADS.find(({ countMax }) => count <= countMax)!;
  const slots = 2 ** (KEY_BITS - 8 * bytes);
  if (takeKeys(count, strings, bytes, slots)) return;
  const taken = keys.subarray(0, count).sort();
  let isTold = true;
  let last = -1;
  for (let rank = 0; rank < count; rank++) {
    const key = taken[rank]!;
    const head = Math.floor(key / slots);
    order[rank] = key - head * slots;
    if (head === last) isTold = false;
    last = head;
  }
  if (!isTold) sortOrder(order, count, compare);
}

/** Fills `keys`. @returns whether the slots are in order, and no two alike */
function takeKeys(count: number, strings: Strings, bytes: number, slots: number): boolean {
  if (keys.length < count) keys = new Float64Array(2 * count);
  const { arena, start, length } = strings;
  const skipped = commonLength(count, strings);
  let isRising = true;
  let last = -1;
  for (let slot = 0; slot < count; slot++) {
    const from = start[slot]! + skipped;
    const end = start[slot]! + length[slot]!;
    let head = 0;
    // Missing bytes count least, as none of the others is zero.
    for (let at = from; at < from + bytes; at++) head = head * 256 + (at < end ? arena[at]! : 0);
    keys[slot] = head * slots + slot;
    if (head <= last) isRising = false;
    last = head;
  }
  return isRising;
}

/** How many bytes all begin with alike. */
function commonLength(count: number, { arena, start, length }: Strings): number {
  const first = start[0]!;
  let common = length[0]!;
  for (let slot = 1; slot < count && common > 0; slot++) {
    const from = start[slot]!;
    const most = Math.min(common, length[slot]!);
    let alike = 0;
    while (alike < most && arena[from + alike] === arena[first + alike]) alike++;
    common = alike;
  }
  return common;
}
