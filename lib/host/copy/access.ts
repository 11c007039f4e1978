/**
 * The persist root claimed for one run, before anything is begun: writable, and
 * nobody else's turn. Two runs would take each other's unfinished work for what a
 * killed one left. The lock (flock(2)) ends with the descriptor, however we end.
 */
import { accessSync, constants } from "node:fs";
import { Refusal } from "../../fault.ts";
import { visible } from "../../text.ts";
import { CallFailure, errno, libc } from "../libc.ts";

const LOCK_EX = 2;
const LOCK_NB = 4;

/** @throws Refusal */
export function claimPersistRoot({ fd, path }: { fd: number; path: string }): void {
  refuseUnlessWritable(fd, path);
  if (libc().flock(fd, LOCK_EX | LOCK_NB) !== -1) return;
  const code = errno();
  const fault = new CallFailure(`Cannot lock ${visible(path)}`, code);
  if (fault.code !== "EAGAIN" && fault.code !== "EWOULDBLOCK") throw fault;
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
