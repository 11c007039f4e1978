/**
 * What a demo that was killed has left: its loop disk, its mounts, its folder.
 *
 * Anybody can make a folder of that name in /tmp, so only what root made and
 * nobody else can write to is taken for a demo's.
 */
import { existsSync, lstatSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { release } from "../test/support/disk.ts";

export const PREFIX = "blankroot-demo-";
const PID_FILE = "pid";
const RUN = "/run/blankroot";

/** Marks a folder as that of a demo that is running. */
export function claim(dir: string): void {
  writeFileSync(join(dir, PID_FILE), String(process.pid));
}

/** Takes down what killed demos left. @returns their folders */
export function clearLeftovers(): string[] {
  const stale = readdirSync(tmpdir())
    .filter((name) => name.startsWith(PREFIX))
    .map((name) => join(tmpdir(), name))
    .filter(isStale);
  for (const dir of stale) {
    release(dir);
    rmSync(dir, { recursive: true });
  }
  return stale;
}

/** Removes what the scripts leave in /run beyond what was there before; a boot's own result stays. */
export function watchRun(): Disposable {
  const names = () => (existsSync(RUN) ? readdirSync(RUN) : []);
  const before = new Set(names());
  return {
    [Symbol.dispose]() {
      for (const name of names()) if (!before.has(name)) rmSync(join(RUN, name));
    },
  };
}

function isStale(dir: string): boolean {
  const status = lstatSync(dir);
  if (!status.isDirectory() || status.uid !== 0 || (status.mode & 0o022) !== 0) return false;
  const file = join(dir, PID_FILE);
  return existsSync(file) && !isDemo(readFileSync(file, "utf8"));
}

function isDemo(pid: string): boolean {
  const cmdline = `/proc/${pid}/cmdline`;
  return existsSync(cmdline) && readFileSync(cmdline, "utf8").includes("demo.ts");
}
