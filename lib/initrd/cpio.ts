/**
 * An archive of cpio in the format that the kernel unpacks, "newc"; see
 * Documentation/driver-api/early-userspace/buffer-format.rst of Linux.
 */
import { Failure } from "../fault.ts";

export interface ArchiveEntry {
  /** Without a slash ahead; bytes as latin1. */
  readonly path: string;
  /** As st_mode of stat(2). */
  readonly mode: number;
  /** Of a symbolic link its text. Lent: it is a part of the archive. */
  readonly data: Uint8Array;
}

const MAGIC = /^07070[12]$/;
const HEADER_BYTES = 110;
const FIELD_BYTES = 8;
/** Places of fields in the header, counted in fields behind the magic. */
const Field = { mode: 1, fileSize: 6, nameSize: 11 } as const;
const TRAILER = "TRAILER!!!";
const PATH_MAX_BYTES = 4096;

/** Whether an archive begins there. */
export function isArchive(bytes: Uint8Array, at: number): boolean {
  return MAGIC.test(text(bytes, at, at + 6));
}

/**
 * Visits the entries of the archive that begins there.
 *
 * @returns where it ends: behind its trailer
 * @throws Failure where it is cut off or isn't one
 */
export function readArchive(
  bytes: Uint8Array,
  start: number,
  visit: (entry: ArchiveEntry) => void,
): number {
  let at = start;
  for (;;) {
    if (!isArchive(bytes, at)) throw new Failure(`no entry of an archive at byte ${at}`);
    const field = (index: number) => number(bytes, at + 6 + index * FIELD_BYTES);
    const nameEnd = at + HEADER_BYTES + field(Field.nameSize);
    if (field(Field.nameSize) > PATH_MAX_BYTES) throw new Failure(`no name at byte ${at}`);
    const dataStart = aligned(nameEnd);
    const dataEnd = dataStart + field(Field.fileSize);
    if (dataEnd > bytes.length) throw new Failure("the archive is cut off");
    const name = text(bytes, at + HEADER_BYTES, nameEnd).replace(/\0.*$/s, "");
    if (name === TRAILER) return aligned(dataEnd);
    const path = name.replace(/^(?:\.?\/)+/, "");
    visit({ path, mode: field(Field.mode), data: bytes.subarray(dataStart, dataEnd) });
    at = aligned(dataEnd);
  }
}

/** Names and data are filled up to four bytes. */
function aligned(at: number): number {
  return (at + 3) & ~3;
}

function number(bytes: Uint8Array, at: number): number {
  const digits = text(bytes, at, at + FIELD_BYTES);
  if (!/^[0-9A-Fa-f]{8}$/.test(digits)) throw new Failure(`no number at byte ${at}`);
  return Number.parseInt(digits, 16);
}

function text(bytes: Uint8Array, start: number, end: number): string {
  return Buffer.from(bytes.subarray(start, end)).toString("latin1");
}
