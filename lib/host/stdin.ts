/** All of stdin as bytes. */
import { readFileSync } from "node:fs";
import { Failure } from "../fault.ts";

export function readStdin(): Uint8Array {
  try {
    return readFileSync(0);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new Failure(`Cannot read stdin: ${code}`, { cause: error });
  }
}
