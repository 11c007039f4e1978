/**
 * The head of the executable's compressed form, as launcher/payload.h has it: written by
 * the packer, and read where one asks whether a file unpacks to the executable that runs.
 */

const ID_SIZE = 40;

export const PAYLOAD_MAGIC = "blankroot frames";
/** Offsets from the magic. */
export const AT_FILE_SIZE = 16;
export const AT_CHECKSUM = 24;
export const AT_ID = 32;
export const AT_NUMBERS = AT_ID + ID_SIZE;

/** What the unpacked file is called: 96 bits of its SHA-256. */
export function unpackedName(inPlace: Uint8Array): string {
  return `blankroot-${new Bun.CryptoHasher("sha256").update(inPlace).digest("hex").slice(0, 24)}`;
}

/** Whether an undamaged compressed form is of this in-place form. */
export function isCompressedForm(file: Uint8Array, inPlace: Uint8Array): boolean {
  const bytes = Buffer.from(file.buffer, file.byteOffset, file.byteLength);
  const at = bytes.indexOf(PAYLOAD_MAGIC, 0, "latin1");
  if (at < 0 || at + AT_NUMBERS > bytes.length) return false;
  const id = bytes.toString("latin1", at + AT_ID, at + AT_NUMBERS).split("\0", 1)[0];
  if (id !== unpackedName(inPlace)) return false;
  const checksum = bytes.readBigUInt64LE(at + AT_CHECKSUM);
  const summed = Buffer.from(bytes);
  summed.writeBigUInt64LE(0n, at + AT_CHECKSUM);
  return Bun.hash.xxHash64(summed, 0n) === checksum;
}
