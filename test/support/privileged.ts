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
  return missingProgram(["losetup", "sfdisk", "mkfs.btrfs", "mkfs.fat", "btrfs"]);
}

/** `describe` for tests on real disks, and what else they call. */
export function describePrivileged(
  name: string,
  body: () => void,
  programs: readonly string[] = [],
): void {
  describeUnless(missingPrivilege() ?? missingProgram(programs), name, body);
}

/** `describe` for tests that can't run where something is missing. */
export function describeUnless(missing: string | undefined, name: string, body: () => void): void {
  if (missing === undefined) describe(name, body);
  else if (process.env.CI) test(`${name}: can run here`, () => expect(missing).toBeUndefined());
  else describe.skip(`${name} (skipped: ${missing})`, body);
}

/** The first that is not there, as a reason. */
export function missingProgram(programs: readonly string[]): string | undefined {
  const program = programs.find((name) => Bun.which(name) === null);
  return program === undefined ? undefined : `${program} is not installed`;
}
