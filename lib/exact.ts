/**
 * Whole numbers of 64 bits, exact: sizes and times of a disk may be any of them, and a
 * double holds them below 2^53 alone.
 *
 * A number wherever that is exact, as nearly always, and else a bigint. So one value
 * has one form and `===` tells two apart; `<` and `>` compare across both forms.
 */
export type Exact = number | bigint;

const TWO_32 = 2 ** 32;

/** @param high signed where the value is */
export function exact(high: number, low: number): Exact {
  if (high === 0) return low;
  const value = high * TWO_32 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) + BigInt(low);
}

export function exactOf(value: bigint): Exact {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

/** Less than 0, 0 or more than 0. */
export function compareExact(a: Exact, b: Exact): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
