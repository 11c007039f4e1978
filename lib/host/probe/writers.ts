/**
 * Processes that have a file open for writing, or write to it through memory.
 *
 * A file is told by its device and inode: it may be open by another mount of the same
 * subvolume, or by a path that no longer leads to it. What goes away while we look is
 * no writer any more.
 */
import { readdirSync, readFileSync } from "node:fs";
import { unitOf, type Writer, writes, writtenMaps } from "../../copy/writers.ts";
import { statusThrough } from "../inode-status.ts";

/** The path of a file that is asked about; undefined for any other. */
export type PathOf = (device: bigint, inode: bigint) => Uint8Array | undefined;

export function probeWriters(pathOf: PathOf): Writer[] {
  const pids = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => Number(pid) !== process.pid).flatMap((pid) => writersOf(pid, pathOf));
}

function writersOf(pid: string, pathOf: PathOf): Writer[] {
  const paths = new Set([...pathsOpen(pid, pathOf), ...pathsMapped(pid, pathOf)]);
  if (paths.size === 0) return [];
  const program = textOf(`/proc/${pid}/comm`).replace(/\n$/, "");
  const unit = unitOf(textOf(`/proc/${pid}/cgroup`));
  return Array.from(paths, (path) => ({ path, pid: Number(pid), program, unit }));
}

function pathsOpen(pid: string, pathOf: PathOf): Uint8Array[] {
  return namesIn(`/proc/${pid}/fd`).flatMap((fd) => {
    const path = pathAt(`/proc/${pid}/fd/${fd}`, pathOf);
    return path !== undefined && writes(textOf(`/proc/${pid}/fdinfo/${fd}`)) ? [path] : [];
  });
}

function pathsMapped(pid: string, pathOf: PathOf): Uint8Array[] {
  return writtenMaps(textOf(`/proc/${pid}/maps`)).flatMap((range) => {
    const path = pathAt(`/proc/${pid}/map_files/${range}`, pathOf);
    return path === undefined ? [] : [path];
  });
}

function pathAt(link: string, pathOf: PathOf): Uint8Array | undefined {
  const found = statusThrough(link);
  return found === undefined ? undefined : pathOf(found.device, found.inode);
}

function namesIn(directory: string): string[] {
  return whileThere(() => readdirSync(directory)) ?? [];
}

function textOf(file: string): string {
  return whileThere(() => readFileSync(file, "utf8")) ?? "";
}

/** Undefined for a process that has ended, or that we may not look at. */
function whileThere<T>(look: () => T): T | undefined {
  try {
    return look();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (["ENOENT", "ESRCH", "EACCES", "EPERM", "EINVAL"].includes(code ?? "")) return undefined;
    throw error;
  }
}
