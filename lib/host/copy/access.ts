/**
 * The persist root claimed for one run, before anything is begun: writable, and
 * nobody else's turn. Two runs would take each other's unfinished work for what a
 * killed one left.
 */
import { accessSync, constants, fstatSync } from "node:fs";
import { Refusal } from "../../fault.ts";
import { visible } from "../../text.ts";
import { Lock } from "./lock.ts";

/** @returns the claim, which ends with the run. @throws Refusal */
export function claimPersistRoot({ fd, path }: { fd: number; path: string }): Disposable {
  refuseUnlessWritable(fd, path);
  // One file for a directory, whatever path leads to it.
  const { dev, ino } = fstatSync(fd, { bigint: true });
  const lock = new Lock(`persist-copy-${dev}-${ino}`);
  if (lock.claim()) return lock;
  throw new Refusal(`Cannot copy to ${visible(path)}: another persist-copy is at work there`);
}

function refuseUnlessWritable(fd: number, path: string): void {
  try {
    accessSync(`/proc/self/fd/${fd}`, constants.W_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    const state = code === "EROFS" ? "it is mounted read-only" : `it can't be written to (${code})`;
    throw new Refusal(`Cannot copy to ${visible(path)}: ${state}`, { cause });
  }
}
