/**
 * The in-place form: stub, loader and libraries put ahead of an unmodified dynamic
 * executable, as one static executable (launcher/stub.c says how it starts).
 *
 * The file, each part at a multiple of the page size:
 *
 *     ELF header and program headers, without PT_INTERP
 *     the stub's segments
 *     the loader's segments, with the zeros that a kernel would add
 *     the libraries' bytes
 *     strings, .dynamic and program headers for the loader, writable
 *     the executable as it was; its segments are mapped from here
 */

import {
  type Elf,
  ElfFault,
  encodeProgramHeader,
  only,
  PF_R,
  PF_W,
  type ProgramHeader,
  PT_DYNAMIC,
  PT_GNU_STACK,
  PT_PHDR,
  PT_TLS,
  viewOf,
} from "./elf.ts";
import { FileImage, loads, Pieces } from "./image.ts";

/** Of launcher/stub.h. */
const STUB_MAGIC = "blankroot stub 1";
const LIBRARIES_MAX = 8;
/** "/proc/self/fd/", a descriptor of at most ten digits, NUL. */
const NEEDED = "/proc/self/fd/";
const NEEDED_SIZE = 32;

/** Between the stub (at 256 MiB) and where Linux begins to map. */
const LOADER_ADDRESS = 0x2000_0000;
const LIBRARIES_ADDRESS = 0x3000_0000;
const TABLES_ADDRESS = 0x3800_0000;

/** System V ABI, "Dynamic Section". */
const DYNAMIC_ENTRY_SIZE = 16;
const DT_NULL = 0;
const DT_NEEDED = 1;
const DT_STRTAB = 5;

/** Files of the machine that steer a loader: the carried one shall not find them. */
const LOADER_FILES = ["/etc/ld.so.preload", "/etc/ld.so.cache"];

export interface Library {
  /** File name, shown in /proc/PID/maps. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface Parts {
  /** Position-dependent, dynamic. */
  readonly program: Elf;
  readonly stub: Elf;
  readonly loader: Elf;
  readonly libraries: readonly Library[];
}

export interface InPlace {
  readonly bytes: Uint8Array;
  /** The largest executable segment, in the file. */
  readonly code: { readonly offset: number; readonly size: number };
}

export function packInPlace(parts: Parts): InPlace {
  const { program, stub, libraries } = parts;
  if (libraries.length > LIBRARIES_MAX) {
    throw new ElfFault(`Cannot pack ${libraries.length} libraries, ${LIBRARIES_MAX} at most`);
  }
  const page = Math.max(...loads(program).map(({ align }) => align));
  const file = new FileImage(page);
  const stubAt = loads(stub).map((header) => file.segment(stub, header, 0));
  const loader = { ...parts.loader, bytes: withoutFiles(parts.loader) };
  for (const header of loads(loader)) file.segment(loader, header, LOADER_ADDRESS);
  const carried = layLibraries(libraries);
  file.add(carried.bytes, LIBRARIES_ADDRESS, PF_R);
  const tables = layTables(program, libraries.length);
  file.add(tables.bytes, TABLES_ADDRESS, PF_R | PF_W);
  const shift = file.append(program.bytes);

  const headers = [
    ...file.segments,
    ...loads(program).map((header) => ({ ...header, offset: header.offset + shift })),
  ].sort((a, b) => a.address - b.address);
  refuseOverlap(headers, page);
  const others = program.headers
    .filter(({ type }) => type === PT_TLS || type === PT_GNU_STACK)
    .map((header) => ({ ...header, offset: header.offset + shift }));
  const bytes = file.finish(program, stub.entry, [...headers, ...others]);

  const config = placeOf(stub, stubAt, STUB_MAGIC);
  const fields = [
    bytes.length,
    tables.headers,
    program.headers.length,
    LOADER_ADDRESS,
    LOADER_ADDRESS + loader.entry,
    program.entry,
    libraries.length,
    ...carried.places.flatMap(({ bytes, size, name }, index) => [
      LIBRARIES_ADDRESS + bytes,
      size,
      tables.needed[index]!,
      LIBRARIES_ADDRESS + name,
    ]),
  ];
  const view = viewOf(bytes);
  for (const [index, value] of fields.entries()) {
    view.setBigUint64(config + STUB_MAGIC.length + index * 8, BigInt(value), true);
  }
  const code = loads(program)
    .filter(({ flags }) => (flags & 1) !== 0)
    .reduce((a, b) => (b.fileSize > a.fileSize ? b : a));
  return { bytes, code: { offset: code.offset + shift, size: code.fileSize } };
}

/** Of whole pages, as a kernel maps them: of two in one page the second would hide the first. */
function refuseOverlap(sorted: readonly ProgramHeader[], page: number): void {
  for (const [index, { address, memorySize }] of sorted.entries()) {
    const next = sorted[index + 1];
    if (next === undefined) return;
    if (Math.ceil((address + memorySize) / page) > Math.floor(next.address / page)) {
      throw new ElfFault(`Cannot pack: segments overlap at 0x${next.address.toString(16)}`);
    }
  }
}

function withoutFiles(loader: Elf): Uint8Array {
  const bytes = Buffer.from(loader.bytes);
  for (const path of LOADER_FILES) {
    const at = bytes.indexOf(`${path}\0`, 0, "latin1");
    // A loader that reads them by another name would be steered by the machine.
    if (at < 0) throw new ElfFault(`Cannot pack ${loader.name}: no ${path} in it`);
    bytes.fill(0, at, at + path.length);
  }
  return bytes;
}

interface Place {
  readonly bytes: number;
  readonly size: number;
  readonly name: number;
}

/** Content and names one after the other, places from their beginning. */
function layLibraries(libraries: readonly Library[]): { bytes: Uint8Array; places: Place[] } {
  const writer = new Pieces();
  const places = libraries.map(({ name, bytes }) => ({
    bytes: writer.put(bytes),
    size: bytes.length,
    name: writer.put(Buffer.from(`${name}\0`)),
  }));
  return { bytes: writer.bytes(), places };
}

/** What the loader reads in the place of the program's own: addresses as mapped. */
function layTables(
  program: Elf,
  libraryCount: number,
): { bytes: Uint8Array; needed: number[]; headers: number } {
  const writer = new Pieces();
  const needed = Array.from({ length: libraryCount }, () => {
    const text = new Uint8Array(NEEDED_SIZE);
    text.set(Buffer.from(NEEDED));
    return TABLES_ADDRESS + writer.put(text);
  });
  const dynamicBytes = dynamicSection(program, needed);
  const dynamic = TABLES_ADDRESS + writer.put(dynamicBytes);
  const headers = TABLES_ADDRESS + writer.next();
  const table = program.headers.map((header) => {
    if (header.type === PT_PHDR) return { ...header, address: headers };
    if (header.type !== PT_DYNAMIC) return header;
    const size = dynamicBytes.length;
    return { ...header, address: dynamic, fileSize: size, memorySize: size };
  });
  writer.put(Buffer.concat(table.map(encodeProgramHeader)));
  return { bytes: writer.bytes(), needed, headers };
}

/** The program's, with the libraries ahead: the loader then finds the rest by their SONAME. */
function dynamicSection(program: Elf, needed: readonly number[]): Uint8Array {
  const header = only(program, PT_DYNAMIC, "dynamic section");
  const view = viewOf(program.bytes);
  const end = header.offset + header.fileSize;
  let strings: bigint | undefined;
  let at = header.offset;
  for (; ; at += DYNAMIC_ENTRY_SIZE) {
    if (at + DYNAMIC_ENTRY_SIZE > end) {
      throw new ElfFault(`Cannot read ${program.name}: its dynamic section has no end`);
    }
    const tag = Number(view.getBigUint64(at, true));
    if (tag === DT_STRTAB) strings = view.getBigUint64(at + 8, true);
    if (tag === DT_NULL) break;
  }
  if (strings === undefined) throw new ElfFault(`Cannot read ${program.name}: no string table`);
  const own = program.bytes.subarray(header.offset, at + DYNAMIC_ENTRY_SIZE);
  const bytes = new Uint8Array(needed.length * DYNAMIC_ENTRY_SIZE + own.length);
  for (const [index, address] of needed.entries()) {
    viewOf(bytes).setBigUint64(index * DYNAMIC_ENTRY_SIZE, BigInt(DT_NEEDED), true);
    // As an offset from the string table, which it may lie far behind.
    viewOf(bytes).setBigUint64(
      index * DYNAMIC_ENTRY_SIZE + 8,
      BigInt.asUintN(64, BigInt(address) - strings),
      true,
    );
  }
  bytes.set(own, needed.length * DYNAMIC_ENTRY_SIZE);
  return bytes;
}

/** Where a text of the stub's came to lie in the file. */
function placeOf(stub: Elf, offsets: readonly number[], text: string): number {
  for (const [index, header] of loads(stub).entries()) {
    const content = stub.bytes.subarray(header.offset, header.offset + header.fileSize);
    const at = Buffer.from(content).indexOf(text, 0, "latin1");
    if (at >= 0) return offsets[index]! + at;
  }
  throw new ElfFault(`Cannot read ${stub.name}: no "${text}" in it`);
}
