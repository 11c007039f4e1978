/**
 * Sizes as a profile writes them: `8GiB`, `512MiB`, exact to the byte.
 *
 * Only binary units, and only whole numbers: `8G` and `8GB` mean one thing to
 * sfdisk and another to a vendor's label, so both are refused rather than guessed.
 */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ["KiB", 1n << 10n],
  ["MiB", 1n << 20n],
  ["GiB", 1n << 30n],
  ["TiB", 1n << 40n],
]);

export const SIZE_PATTERN = /^([1-9][0-9]{0,15})(KiB|MiB|GiB|TiB)$/;

/** The bytes, or what is wrong. Always above zero, and a safe integer. */
export function parseSize(text: string): { sizeBytes: number } | { fault: string } {
  const match = SIZE_PATTERN.exec(text);
  if (match === null) {
    return { fault: "expected a whole number from 1 on with KiB, MiB, GiB or TiB, such as 8GiB" };
  }
  const bytes = BigInt(match[1]!) * UNITS.get(match[2]!)!;
  if (bytes > BigInt(Number.MAX_SAFE_INTEGER)) return { fault: "expected less than 8192TiB" };
  return { sizeBytes: Number(bytes) };
}
