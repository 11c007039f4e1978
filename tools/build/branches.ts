/**
 * Places that machine code names, from relative to absolute: the inverse of
 * launcher/branches.h, which says why and which. In place, over one piece of the code.
 */

export type Machine = "x86_64" | "aarch64";

/** @param code all of it; `from` and `to` are offsets in it, and no branch crosses them */
export function makeBranchesAbsolute(
  machine: Machine,
  code: Uint8Array,
  from: number,
  to: number,
): void {
  if (machine === "x86_64") absoluteAddresses(code, from, to);
  else absoluteLinks(code, from, to);
}

/** Of launcher/branches.h, by their last byte: opcodes with an address behind ModRM. */
const OPCODES = new Set([0x80, 0x83, 0x89, 0x8b, 0x8d, 0xc6, 0xc7]);
/** And those that begin with 0x0f. */
const LONG_OPCODES = new Set([
  0x10, 0x11, 0x12, 0x16, 0x28, 0x29, 0x2e, 0x2f, 0x54, 0x57, 0x58, 0x59, 0x5c, 0x5e, 0x6e, 0x6f,
  0x7e, 0x7f, 0xb6, 0xb7, 0xdb, 0xeb, 0xef,
]);
/** And the ModRM bytes of 0xff: call, jmp, push. */
const OF_FF = new Set([0x15, 0x25, 0x35]);

/** `call`, `jmp` and addresses relative to the instruction, of 32 bits. */
function absoluteAddresses(code: Uint8Array, from: number, to: number): void {
  const view = new DataView(code.buffer, code.byteOffset, code.byteLength);
  const size = code.length;
  let behind = from;
  for (let at = from; at + 5 <= to; ) {
    const byte = code[at]!;
    if ((byte & 0xfe) === 0xe8) {
      const offset = view.getInt32(at + 1, true);
      // What points out of the code stays, and what would collide with it makes room.
      if (offset >= -at && offset < size - at) view.setInt32(at + 1, offset + at, true);
      else if (offset >= size - at && offset < size) view.setInt32(at + 1, offset - size, true);
    } else if ((byte & 0xc7) === 0x05 && at - 2 >= behind && hasAddress(code, at)) {
      view.setUint32(at + 1, view.getUint32(at + 1, true) + at, true);
    } else {
      at++;
      continue;
    }
    at += 5;
    behind = at;
  }
}

function hasAddress(code: Uint8Array, modrm: number): boolean {
  const opcode = code[modrm - 1]!;
  if (OPCODES.has(opcode)) return true;
  if (opcode === 0xff) return OF_FF.has(code[modrm]!);
  return code[modrm - 2] === 0x0f && LONG_OPCODES.has(opcode);
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
