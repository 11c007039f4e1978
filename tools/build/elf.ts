/**
 * ELF64, little-endian, as far as packing needs it: the header and the program
 * headers, every offset held against the file's size.
 *
 * Layout and numbers: System V ABI, chapters 4 "Object Files" and 5 "Program Loading".
 */

export const PT_LOAD = 1;
export const PT_DYNAMIC = 2;
export const PT_INTERP = 3;
export const PT_NOTE = 4;
export const PT_PHDR = 6;
export const PT_TLS = 7;
export const PT_GNU_STACK = 0x6474e551;

export const PF_X = 1;
export const PF_W = 2;
export const PF_R = 4;

export const HEADER_SIZE = 64;
export const PROGRAM_HEADER_SIZE = 56;

const ET_EXEC = 2;
const ET_DYN = 3;
const ELFCLASS64 = 2;
const ELFDATA2LSB = 1;
/** Far above what any part of ours takes: a header that asks for more is no good one. */
const MEMORY_MAX = 2 ** 30;

export interface ProgramHeader {
  readonly type: number;
  readonly flags: number;
  /** In the file. */
  readonly offset: number;
  readonly address: number;
  readonly fileSize: number;
  readonly memorySize: number;
  readonly align: number;
}

export interface Elf {
  readonly name: string;
  readonly bytes: Uint8Array;
  /** e_machine: 62 is x86-64, 183 aarch64. */
  readonly machine: number;
  readonly entry: number;
  readonly headers: readonly ProgramHeader[];
}

export class ElfFault extends Error {}

/** @throws ElfFault with the name and what is wrong, for anything that is not as it ought to be */
export function parseElf(bytes: Uint8Array, name: string): Elf {
  const fault = (what: string) => new ElfFault(`Cannot read ${name}: ${what}`);
  if (bytes.length < HEADER_SIZE) throw fault(`${bytes.length} bytes, too short for ELF`);
  const view = viewOf(bytes);
  if (view.getUint32(0) !== 0x7f454c46) throw fault("not an ELF file");
  if (bytes[4] !== ELFCLASS64 || bytes[5] !== ELFDATA2LSB) {
    throw fault("not 64-bit little-endian ELF");
  }
  const type = view.getUint16(16, true);
  if (type !== ET_EXEC && type !== ET_DYN) throw fault("neither an executable nor a library");
  const number = (at: number) => safe(view.getBigUint64(at, true), fault);
  const table = number(32);
  const count = view.getUint16(56, true);
  if (view.getUint16(54, true) !== PROGRAM_HEADER_SIZE) throw fault("odd program headers");
  if (table + count * PROGRAM_HEADER_SIZE > bytes.length) {
    throw fault("its program headers lie beyond its end");
  }
  const headers = Array.from({ length: count }, (_, index) => {
    const at = table + index * PROGRAM_HEADER_SIZE;
    return checked(
      {
        type: view.getUint32(at, true),
        flags: view.getUint32(at + 4, true),
        offset: number(at + 8),
        address: number(at + 16),
        fileSize: number(at + 32),
        memorySize: number(at + 40),
        align: number(at + 48),
      },
      bytes.length,
      (what) => fault(`program header ${index} ${what}`),
    );
  });
  return { name, bytes, machine: view.getUint16(18, true), entry: number(24), headers };
}

/** The one header of a type. */
export function only(elf: Elf, type: number, what: string): ProgramHeader {
  const found = elf.headers.filter((header) => header.type === type);
  if (found.length !== 1) {
    throw new ElfFault(`Cannot read ${elf.name}: ${found.length} × ${what}, expected one`);
  }
  return found[0]!;
}

export function encodeProgramHeader(header: ProgramHeader): Uint8Array {
  const bytes = new Uint8Array(PROGRAM_HEADER_SIZE);
  const view = viewOf(bytes);
  view.setUint32(0, header.type, true);
  view.setUint32(4, header.flags, true);
  view.setBigUint64(8, BigInt(header.offset), true);
  view.setBigUint64(16, BigInt(header.address), true);
  view.setBigUint64(24, BigInt(header.address), true);
  view.setBigUint64(32, BigInt(header.fileSize), true);
  view.setBigUint64(40, BigInt(header.memorySize), true);
  view.setBigUint64(48, BigInt(header.align), true);
  return bytes;
}

export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function checked(
  header: ProgramHeader,
  size: number,
  fault: (what: string) => ElfFault,
): ProgramHeader {
  const { offset, address, fileSize, memorySize, align } = header;
  if (offset + fileSize > size) throw fault("lies beyond its end");
  if (!Number.isSafeInteger(address + memorySize)) throw fault("lies beyond all addresses");
  if (header.type !== PT_LOAD) return header;
  if (memorySize > MEMORY_MAX) throw fault(`takes ${memorySize} bytes of memory`);
  if (memorySize < fileSize) throw fault("is smaller in memory than in the file");
  if (align === 0 || align % 4096 !== 0) throw fault("is not aligned to pages");
  if (offset % align !== address % align) throw fault("is askew");
  return header;
}

function safe(value: bigint, fault: (what: string) => ElfFault): number {
  if (value > BigInt(Number.MAX_SAFE_INTEGER)) throw fault(`an offset of ${value}`);
  return Number(value);
}
