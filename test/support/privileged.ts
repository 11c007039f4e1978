/**
 * Tests that need root, btrfs and loop devices: they run wherever they can.
 *
 * Where they can't, they are skipped with the reason, unless CI is set: there a
 * missing privilege is a failure, or the suite would turn green by testing nothing.
 */
import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";

/** Why privileged tests can't run here, or undefined. */
export function missingPrivilege(): string | undefined {
  if (process.getuid?.() !== 0) return "not root";
  if (!existsSync("/dev/loop-control")) return "no loop devices";
  if (!/\bbtrfs$/m.test(readFileSync("/proc/filesystems", "utf8")))
    return "no btrfs in this kernel";
  for (const program of ["losetup", "sfdisk", "mkfs.btrfs", "mkfs.fat", "btrfs"]) {
    if (Bun.which(program) === null) return `${program} is not installed`;
  }
  return undefined;
}

/** `describe` for tests on real disks. */
export function describePrivileged(name: string, body: () => void): void {
  const missing = missingPrivilege();
  if (missing === undefined) describe(name, body);
  else if (process.env.CI) test(`${name}: can run here`, () => expect(missing).toBeUndefined());
  else describe.skip(`${name} (skipped: ${missing})`, body);
}
