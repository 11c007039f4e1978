/**
 * Real disks for tests: loop devices over sparse images, gone when the test is.
 *
 * Every image lies in one folder with a telling name, so that `sweep()` can find
 * and release what a killed run left behind: mounts, partitions, loop devices.
 */
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

const PREFIXES = ["blankroot-test-", "blankroot-bench-"] as const;
/** The variable with the number of the first loop device to take. */
export const FIRST_LOOP = "BLANKROOT_TEST_FIRST_LOOP";
/** Documentation/admin-guide/devices.txt */
const LOOP_MAJOR = 7;

/** Runs a program; throws with its stderr where it fails. Returns stdout. */
export function sh(
  argv: string[],
  options: { stdin?: string | Uint8Array; env?: Record<string, string> } = {},
): string {
  const child = Bun.spawnSync(argv, {
    env: { ...(process.env as Record<string, string>), LC_ALL: "C", ...options.env },
    stdin: options.stdin === undefined ? "ignore" : Buffer.from(options.stdin),
    stdout: "pipe",
    stderr: "pipe",
  });
  if (child.exitCode !== 0) {
    throw new Error(`${argv.join(" ")}: status ${child.exitCode}\n${child.stderr}${child.stdout}`);
  }
  return child.stdout.toString();
}

/** A folder of the test's own, swept with all that is mounted below it. */
export class Scratch implements Disposable {
  readonly dir: string;

  constructor(prefix: string = PREFIXES[0]) {
    this.dir = mkdtempSync(join(tmpdir(), prefix));
  }

  path(...names: string[]): string {
    return join(this.dir, ...names);
  }

  mkdir(...names: string[]): string {
    const dir = this.path(...names);
    mkdirSync(dir, { recursive: true });
    return dir;
  }

  [Symbol.dispose](): void {
    release(this.dir);
    rmSync(this.dir, { recursive: true, force: true });
  }
}

export interface LoopOptions {
  sizeBytes: number;
  sectorSizeBytes?: 512 | 4096;
  readOnly?: boolean;
  /** Takes an existing image instead of making an empty one. */
  image?: string;
}

/** Attaches an image in `scratch` as a loop disk, and returns its node such as /dev/loop0. */
export function attachLoop(scratch: Scratch, name: string, options: LoopOptions): string {
  const image = options.image ?? scratch.path(name);
  if (!existsSync(image)) {
    writeFileSync(image, "");
    truncateSync(image, options.sizeBytes);
  }
  const words = ["--partscan"];
  if (options.sectorSizeBytes !== undefined)
    words.push("--sector-size", String(options.sectorSizeBytes));
  if (options.readOnly) words.push("--read-only");
  return attachFree(words, image);
}

/**
 * Attaches a file to a loop device that is free. A suite that runs beside another has
 * numbers of its own: a name that one has let go is never the other's disk.
 */
export function attachFree(words: readonly string[], file: string): string {
  const first = process.env[FIRST_LOOP];
  if (first === undefined) return sh(["losetup", "--find", "--show", ...words, file]).trim();
  let number = Number(first);
  while (existsSync(`/sys/block/loop${number}/loop`)) number++;
  const device = `/dev/loop${number}`;
  if (!existsSync(device)) sh(["mknod", device, "b", String(LOOP_MAJOR), String(number)]);
  sh(["losetup", ...words, device, file]);
  return device;
}

/** Detaches a loop disk with its partitions. */
export function detachLoop(device: string): void {
  Bun.spawnSync(["partx", "--delete", device], { stdout: "ignore", stderr: "ignore" });
  sh(["losetup", "--detach", device]);
}

/** An attached loop disk that carries btrfs over its whole length, without a partition table. */
export function makeBtrfs(scratch: Scratch, name: string, sizeBytes: number, label = name): string {
  const device = attachLoop(scratch, name, { sizeBytes });
  sh(["mkfs.btrfs", "--quiet", "--label", label, device]);
  return device;
}

/** Mounts `device` below `scratch` and returns the folder. */
export function mountAt(
  scratch: Scratch,
  name: string,
  device: string,
  options = "subvolid=5",
): string {
  const dir = scratch.mkdir(name);
  sh(["mount", "-t", "btrfs", "-o", options, device, dir]);
  return dir;
}

/** Takes down what former, killed runs left behind. */
export function sweep(): void {
  for (const prefix of PREFIXES) {
    release(join(tmpdir(), prefix));
    const leftovers = Array.from(
      new Bun.Glob(`${prefix}*`).scanSync({ cwd: tmpdir(), onlyFiles: false }),
    );
    for (const name of leftovers) rmSync(join(tmpdir(), name), { recursive: true, force: true });
  }
}

export function release(prefix: string): void {
  const mounts = readFileSync("/proc/self/mountinfo", "latin1")
    .split("\n")
    .map((line) => line.split(" ")[4] ?? "")
    .filter((dir) => dir.startsWith(prefix))
    .map((dir) =>
      dir.replace(/\\([0-7]{3})/g, (_, octal) => String.fromCharCode(parseInt(octal, 8))),
    );
  for (const dir of mounts.reverse()) sh(["umount", dir]);
  const loops = JSON.parse(
    sh(["losetup", "--json", "--list", "--output", "NAME,BACK-FILE"]) || "{}",
  );
  for (const loop of loops.loopdevices ?? []) {
    if (String(loop["back-file"]).startsWith(prefix)) detachLoop(loop.name);
  }
}
