/** Whether the persist root can be written to at all, asked before anything is begun. */
import { accessSync, constants } from "node:fs";
import { Refusal } from "../../fault.ts";
import { visible } from "../../text.ts";

/** @throws Refusal */
export function refuseUnlessWritable({ fd, path }: { fd: number; path: string }): void {
  try {
    accessSync(`/proc/self/fd/${fd}`, constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const state = code === "EROFS" ? "it is mounted read-only" : `it can't be written to (${code})`;
    throw new Refusal(`Cannot copy to ${visible(path)}: ${state}`, { cause });
  }
}
