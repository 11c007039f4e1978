/** Telling a compressed form by its head; the packer's and the launcher's own tests are elsewhere. */
import { describe, expect, test } from "bun:test";
import {
  AT_CHECKSUM,
  AT_ID,
  AT_NUMBERS,
  isCompressedForm,
  PAYLOAD_MAGIC,
  unpackedName,
} from "../../lib/host/payload.ts";

const IN_PLACE = Buffer.from("what runs");

function compressedForm(inPlace: Uint8Array): Buffer {
  const head = Buffer.alloc(AT_NUMBERS);
  head.write(PAYLOAD_MAGIC, "latin1");
  head.write(unpackedName(inPlace), AT_ID, "latin1");
  const file = Buffer.concat([Buffer.from("a launcher"), head, Buffer.from("frames")]);
  file.writeBigUInt64LE(Bun.hash.xxHash64(file, 0n), "a launcher".length + AT_CHECKSUM);
  return file;
}

describe("a file is the compressed form of what runs", () => {
  test("where its name and its checksum are right", () => {
    expect(isCompressedForm(compressedForm(IN_PLACE), IN_PLACE)).toBe(true);
  });

  test("and of nothing else", () => {
    expect(isCompressedForm(compressedForm(Buffer.from("another")), IN_PLACE)).toBe(false);
  });

  test("and not where any byte of it is another", () => {
    const file = compressedForm(IN_PLACE);
    for (let at = 0; at < file.length; at++) {
      const damaged = Buffer.from(file);
      damaged[at]! ^= 0x20;
      expect(isCompressedForm(damaged, IN_PLACE)).toBe(false);
    }
  });

  test("and not where it is cut anywhere", () => {
    const file = compressedForm(IN_PLACE);
    for (let size = 0; size < file.length; size++) {
      expect(isCompressedForm(file.subarray(0, size), IN_PLACE)).toBe(false);
    }
  });
});
