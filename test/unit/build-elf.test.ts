/** The packer's reader of ELF: real files, and every way in which one can be broken. */
import { describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import {
  ElfFault,
  encodeProgramHeader,
  only,
  PF_R,
  PF_X,
  PROGRAM_HEADER_SIZE,
  PT_DYNAMIC,
  PT_LOAD,
  parseElf,
} from "../../tools/build/elf.ts";
import { packInPlace } from "../../tools/build/in-place.ts";

const PAGE = 4096;

/** A header, one segment and a page of content. */
function smallElf(): Buffer {
  const bytes = Buffer.alloc(2 * PAGE);
  bytes.write("\x7fELF\x02\x01\x01", "latin1");
  bytes.writeUInt16LE(2, 16);
  bytes.writeUInt16LE(62, 18);
  bytes.writeBigUInt64LE(0x401000n, 24);
  bytes.writeBigUInt64LE(64n, 32);
  bytes.writeUInt16LE(PROGRAM_HEADER_SIZE, 54);
  bytes.writeUInt16LE(1, 56);
  const header = {
    type: PT_LOAD,
    flags: PF_R | PF_X,
    offset: PAGE,
    address: 0x401000,
    fileSize: PAGE,
    memorySize: PAGE + 10,
    align: PAGE,
  };
  bytes.set(encodeProgramHeader(header), 64);
  return bytes;
}

describe("parseElf()", () => {
  test("reads what it encodes", () => {
    const elf = parseElf(smallElf(), "small");
    expect(elf).toMatchObject({ machine: 62, entry: 0x401000 });
    expect(elf.headers).toEqual([
      {
        type: PT_LOAD,
        flags: PF_R | PF_X,
        offset: PAGE,
        address: 0x401000,
        fileSize: PAGE,
        memorySize: PAGE + 10,
        align: PAGE,
      },
    ]);
  });

  test("reads the program that runs this", () => {
    const elf = parseElf(readFileSync("/proc/self/exe"), "bun");
    expect(elf.headers.filter(({ type }) => type === PT_LOAD).length).toBeGreaterThan(1);
    expect(only(elf, PT_DYNAMIC, "dynamic section").fileSize % 16).toBe(0);
  });

  test("refuses a file cut off anywhere before its content ends", () => {
    const bytes = smallElf();
    for (let size = 0; size < bytes.length; size += size < 200 ? 1 : 97) {
      expect(() => parseElf(bytes.subarray(0, size), "cut")).toThrow(ElfFault);
    }
  });

  test("throws nothing but its own error for a bit flipped in its headers", () => {
    let refused = 0;
    for (let bit = 0; bit < (64 + PROGRAM_HEADER_SIZE) * 8; bit++) {
      const bytes = smallElf();
      bytes[bit >> 3]! ^= 1 << (bit & 7);
      try {
        const { headers } = parseElf(bytes, "flipped");
        for (const { offset, fileSize } of headers) {
          expect(offset + fileSize).toBeLessThanOrEqual(bytes.length);
        }
      } catch (error) {
        expect(error).toBeInstanceOf(ElfFault);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(200);
  });

  test.each<[string, (view: DataView) => void]>([
    ["not an ELF file", (view) => view.setUint8(0, 0)],
    ["not 64-bit little-endian", (view) => view.setUint8(4, 1)],
    ["not 64-bit little-endian", (view) => view.setUint8(5, 2)],
    ["neither an executable nor a library", (view) => view.setUint16(16, 1, true)],
    ["odd program headers", (view) => view.setUint16(54, 32, true)],
    ["beyond its end", (view) => view.setUint16(56, 1000, true)],
    ["an offset of", (view) => view.setBigUint64(32, 1n << 63n, true)],
    ["header 0 lies beyond its end", (view) => view.setBigUint64(72, 1n << 40n, true)],
    ["smaller in memory", (view) => view.setBigUint64(104, 1n, true)],
    ["not aligned to pages", (view) => view.setBigUint64(112, 16n, true)],
    ["askew", (view) => view.setBigUint64(80, 0x401001n, true)],
  ])("says what is wrong: %s", (message, spoil) => {
    const bytes = smallElf();
    spoil(new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength));
    expect(() => parseElf(bytes, "odd")).toThrow(message);
    expect(() => parseElf(bytes, "odd")).toThrow("odd");
  });
});

describe("packInPlace()", () => {
  const small = parseElf(smallElf(), "small");

  test("refuses a loader that would read the machine's files under other names", () => {
    const parts = { program: small, stub: small, loader: small, libraries: [] };
    expect(() => packInPlace(parts)).toThrow("no /etc/ld.so.preload");
  });

  test("refuses more libraries than the stub has room for", () => {
    const libraries = Array.from({ length: 9 }, (_, index) => ({
      name: `lib${index}.so`,
      bytes: new Uint8Array(1),
    }));
    const parts = { program: small, stub: small, loader: small, libraries };
    expect(() => packInPlace(parts)).toThrow("9 libraries");
  });
});
