/** QEMU's emulator of one process, from Debian's packages. */
import { join } from "node:path";
import { fetchedOnce } from "./fetched.ts";

const FETCH = join(import.meta.dir, "fetch-translator.sh");

/** Runs the program for aarch64 that it is given. @throws where it can't be fetched */
export function translator(): string {
  const folder = fetchedOnce("qemu-aarch64", FETCH);
  return join(folder, "qemu-aarch64");
}
