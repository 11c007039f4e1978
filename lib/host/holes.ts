/** Where a file has data and where it has holes: SEEK_DATA and SEEK_HOLE of lseek(2). */
import { CallFailure, errno, errnoName, libc } from "./libc.ts";

const SEEK_DATA = 3;
const SEEK_HOLE = 4;

/** The first data from a position on; undefined behind the last. @throws CallFailure */
export function nextData(fd: number, from: number): number | undefined {
  return seek(fd, from, SEEK_DATA);
}

/** The first hole from a position on, of which one is at the end of each file. @throws CallFailure */
export function nextHole(fd: number, from: number): number | undefined {
  return seek(fd, from, SEEK_HOLE);
}

function seek(fd: number, from: number, whence: number): number | undefined {
  const result = Number(libc().lseek(fd, from, whence));
  if (result !== -1) return result;
  const code = errno();
  if (errnoName(code) === "ENXIO") return undefined;
  throw new CallFailure("Cannot find the holes of a file", code);
}
