/**
 * Branches of machine code, from relative to absolute targets: the inverse of
 * launcher/branches.h, which says why. In place, over one piece of the code.
 */

export type Machine = "x86_64" | "aarch64";

/** @param code all of it; `from` and `to` are offsets in it, and no branch crosses them */
export function makeBranchesAbsolute(
  machine: Machine,
  code: Uint8Array,
  from: number,
  to: number,
): void {
  if (machine === "x86_64") absoluteCalls(code, from, to);
  else absoluteLinks(code, from, to);
}

/** `call` and `jmp`, 0xe8 and 0xe9, with a relative offset of 32 bits. */
function absoluteCalls(code: Uint8Array, from: number, to: number): void {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const size = code.length;
  for (let at = from; at + 5 <= to; ) {
    if ((code[at]! & 0xfe) !== 0xe8) {
      at++;
      continue;
    }
    const offset = view.getInt32(at + 1, true);
    // What points out of the code stays, and what would collide with it makes room.
    if (offset >= -at && offset < size - at) view.setInt32(at + 1, offset + at, true);
    else if (offset >= size - at && offset < size) view.setInt32(at + 1, offset - size, true);
    at += 5;
  }
}

const BL = 0x25;
const TARGET_MASK = 0x3ffffff;

/** `bl`, six bits and a relative offset of 26, in words. */
function absoluteLinks(code: Uint8Array, from: number, to: number): void {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  for (let at = Math.ceil(from / 4) * 4; at + 4 <= to; at += 4) {
    const word = view.getUint32(at, true);
    if (word >>> 26 !== BL) continue;
    const target = (word + (at >>> 2)) & TARGET_MASK;
    view.setUint32(at, ((BL << 26) | target) >>> 0, true);
  }
}
