/** A longer copy of an array of numbers. */
export function grown<Numbers extends Uint8Array | Uint16Array | Uint32Array | Float64Array>(
  from: Numbers,
  length: number,
): Numbers {
  const to = new (from.constructor as new (length: number) => Numbers)(length);
  to.set(from as never);
  return to;
}
