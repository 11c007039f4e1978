/** Files and tables that are put together from pieces. */
import {
  type Elf,
  ElfFault,
  encodeProgramHeader,
  HEADER_SIZE,
  PROGRAM_HEADER_SIZE,
  type ProgramHeader,
  PT_LOAD,
  viewOf,
} from "./elf.ts";

/** The segments that are mapped. */
export function loads(elf: Elf): ProgramHeader[] {
  return elf.headers.filter(({ type }) => type === PT_LOAD);
}

/** What is kept for the headers, as launcher/stub.ld has it: 35 program headers. */
const HEADERS_SIZE = 2048;

/** An executable as it grows: behind the headers, in the first page, what is added first. */
export class FileImage {
  readonly segments: ProgramHeader[] = [];
  readonly #page: number;
  readonly #pieces: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  #size = HEADERS_SIZE;

  constructor(page: number) {
    this.#page = page;
  }

  /** A segment of an ELF file, its zeros written out. @returns its offset in the file */
  segment(elf: Elf, header: ProgramHeader, base: number): number {
    const bytes = new Uint8Array(header.memorySize);
    bytes.set(elf.bytes.subarray(header.offset, header.offset + header.fileSize));
    return this.add(bytes, header.address + base, header.flags);
  }

  /** @returns its offset in the file */
  add(bytes: Uint8Array, address: number, flags: number): number {
    const offset = this.append(bytes, address % this.#page);
    this.segments.push({
      type: PT_LOAD,
      flags,
      offset,
      address,
      fileSize: bytes.length,
      memorySize: bytes.length,
      align: this.#page,
    });
    return offset;
  }

  /** Without a segment. @returns its offset in the file */
  append(bytes: Uint8Array, lead = 0): number {
    const at = Math.ceil((this.#size - lead) / this.#page) * this.#page + lead;
    this.#pieces.push({ at, bytes });
    this.#size = at + bytes.length;
    return at;
  }

  finish(program: Elf, entry: number, headers: readonly ProgramHeader[]): Uint8Array {
    const bytes = new Uint8Array(this.#size);
    for (const { at, bytes: piece } of this.#pieces) bytes.set(piece, at);
    if (HEADER_SIZE + headers.length * PROGRAM_HEADER_SIZE > HEADERS_SIZE) {
      throw new ElfFault(`Cannot pack ${program.name}: ${headers.length} program headers`);
    }
    bytes.set(program.bytes.subarray(0, HEADER_SIZE));
    const view = viewOf(bytes);
    view.setUint16(16, 2, true); // e_type: ET_EXEC
    view.setBigUint64(24, BigInt(entry), true); // e_entry
    view.setBigUint64(32, BigInt(HEADER_SIZE), true); // e_phoff
    view.setBigUint64(40, 0n, true); // e_shoff: no sections
    view.setUint16(56, headers.length, true); // e_phnum
    view.setUint16(60, 0, true); // e_shnum
    view.setUint16(62, 0, true); // e_shstrndx
    for (const [index, header] of headers.entries()) {
      bytes.set(encodeProgramHeader(header), HEADER_SIZE + index * PROGRAM_HEADER_SIZE);
    }
    return bytes;
  }
}

/** Pieces one after the other, each at a multiple of 64. */
export class Pieces {
  static readonly #ALIGN = 64;
  readonly #pieces: { readonly at: number; readonly bytes: Uint8Array }[] = [];
  #size = 0;

  put(bytes: Uint8Array): number {
    const at = this.next();
    this.#pieces.push({ at, bytes });
    this.#size = at + bytes.length;
    return at;
  }

  next(): number {
    return Math.ceil(this.#size / Pieces.#ALIGN) * Pieces.#ALIGN;
  }

  bytes(): Uint8Array {
    const all = new Uint8Array(this.#size);
    for (const { at, bytes } of this.#pieces) all.set(bytes, at);
    return all;
  }
}
