/** A machine under software emulation that runs one script as its init, and what that said. */
import { readFileSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import { cpioArchive, type Entry, programEntry } from "./cpio.ts";
import type { Scratch } from "./disk.ts";
import type { GuestArchitecture, GuestParts } from "./guest.ts";

const MEMORY_MIB = 1024;
const TIMEOUT_MS = 170_000;
/** Written by the guest when its script has ended, whatever it said before. */
const MARKER = "the guest's script is done";

export interface Machine {
  readonly architecture: GuestArchitecture;
  readonly parts: GuestParts;
  /** Lines of sh, with the programs of busybox. */
  readonly script: string;
  /** Put to /, executable. */
  readonly files: readonly string[];
  /** Image of /dev/vda, which makes the guest know btrfs. */
  readonly disk?: string;
  /** QEMU's own unless given. */
  readonly processor?: string;
}

const QEMU = {
  x86_64: { argv: ["qemu-system-x86_64"], processor: undefined, console: "ttyS0" },
  aarch64: {
    argv: ["qemu-system-aarch64", "-machine", "virt"],
    // Its default has 32 bits.
    processor: "cortex-a57",
    console: "ttyAMA0",
  },
} as const;

/** The program that emulates an architecture. */
export function emulatorOf(architecture: GuestArchitecture): string {
  return QEMU[architecture].argv[0];
}

/**
 * Boots it, to its end.
 *
 * @returns what the script wrote; @throws with all that was on the console where it did not end
 */
export function emulate(scratch: Scratch, machine: Machine): string {
  const { architecture, disk, parts } = machine;
  const qemu = QEMU[architecture];
  const initrd = scratch.path("initrd");
  writeFileSync(initrd, archive(machine));
  const processor = machine.processor ?? qemu.processor;
  const child = Bun.spawnSync(
    [
      ...qemu.argv,
      ...["-accel", "tcg", "-m", String(MEMORY_MIB), "-nodefaults", "-display", "none"],
      ...["-no-reboot", "-serial", "stdio", "-kernel", parts.kernel, "-initrd", initrd],
      ...["-append", `console=${qemu.console} panic=-1 quiet loglevel=3 mitigations=off`],
      ...(processor === undefined ? [] : ["-cpu", processor]),
      ...(disk === undefined ? [] : ["-drive", `file=${disk},format=raw,if=virtio`]),
    ],
    { stdin: "ignore", stdout: "pipe", stderr: "pipe", timeout: TIMEOUT_MS },
  );
  const said = child.stdout.toString().replaceAll("\r\n", "\n");
  const [script, after] = said.split(`${MARKER}\n`);
  if (after !== undefined && child.exitCode === 0) return script!;
  throw new Error(`The guest: status ${child.exitCode}\n${child.stderr}${said}`);
}

function initOf({ architecture, disk, script }: Machine): string {
  return `#!/bin/busybox sh
    /bin/busybox --install -s /bin
    export PATH=/bin
    mount -t proc proc /proc
    mount -t sysfs sysfs /sys
    mount -t devtmpfs dev /dev
    mount -t tmpfs -o nosuid,nodev,mode=755 run /run
    exec </dev/null >/dev/${QEMU[architecture].console} 2>&1
    ${disk === undefined ? "" : LOAD}
    ${script}
    echo "${MARKER}"
    poweroff -f
  `;
}

/** A module for a processor's own instructions may not load. */
const LOAD = `
    for module in /modules/*; do insmod $module 2>/dev/null; done
    for poll in $(seq 100); do [ -b /dev/vda ] || sleep 0.1; done
`;

function archive(machine: Machine): Uint8Array {
  const { disk, files, parts } = machine;
  const folders = ["bin", "dev", "mnt", "modules", "proc", "run", "sys"];
  const modules = disk === undefined ? [] : parts.modules;
  const inRoot =
    (folder: string) =>
    (file: string): Entry =>
      programEntry(join(folder, basename(file)), readFileSync(file));
  return cpioArchive([
    ...folders.map((path): Entry => ({ path, kind: "folder" })),
    programEntry("init", initOf(machine)),
    inRoot("bin")(parts.busybox),
    ...modules.map(inRoot("modules")),
    ...files.map(inRoot("")),
  ]);
}
