/**
 * Sorting of slots by what they stand for, in place and without garbage.
 *
 * The typed arrays' own sort allocates a copy for each call that compares by a
 * function. Insertion for the usual few, runs of it merged for the many; stable, and
 * quick on what is sorted already, as names made in sequence are.
 */
const RUN = 16;
let spare = new Uint32Array(1024);

export type Compare = (a: number, b: number) => number;

/** Sorts the first `count` slots. */
export function sortOrder(order: Uint32Array, count: number, compare: Compare): void {
  for (let from = 0; from < count; from += RUN) {
    insertionSort(order, from, Math.min(from + RUN, count), compare);
  }
  if (count <= RUN) return;
  if (spare.length < count) spare = new Uint32Array(order.length);
  for (let width = RUN; width < count; width *= 2) {
    for (let from = 0; from + width < count; from += 2 * width) {
      merge(order, from, from + width, Math.min(from + 2 * width, count), compare);
    }
  }
}

/** Less than 0, 0 or more than 0, as memcmp; a key that begins another comes first. */
export function compareBytes(
  a: Uint8Array,
  aStart: number,
  aLength: number,
  b: Uint8Array,
  bStart: number,
  bLength: number,
): number {
  const common = Math.min(aLength, bLength);
  for (let index = 0; index < common; index++) {
    const difference = a[aStart + index]! - b[bStart + index]!;
    if (difference !== 0) return difference;
  }
  return aLength - bLength;
}

function insertionSort(order: Uint32Array, from: number, to: number, compare: Compare): void {
  for (let index = from + 1; index < to; index++) {
    const slot = order[index]!;
    let place = index;
    while (place > from && compare(order[place - 1]!, slot) > 0) {
      order[place] = order[place - 1]!;
      place--;
    }
    order[place] = slot;
  }
}

/** Merges two sorted runs; only the first one has to be set aside. */
function merge(order: Uint32Array, from: number, middle: number, to: number, compare: Compare) {
  if (compare(order[middle - 1]!, order[middle]!) <= 0) return;
  const count = middle - from;
  for (let index = 0; index < count; index++) spare[index] = order[from + index]!;
  let left = 0;
  let right = middle;
  let place = from;
  while (left < count) {
    const takeLeft = right === to || compare(spare[left]!, order[right]!) <= 0;
    order[place++] = takeLeft ? spare[left++]! : order[right++]!;
  }
}
