/**
 * What a machine under emulation is made of, from Debian's packages: a kernel, the
 * modules for a btrfs disk, busybox. Downloaded and unpacked once; apt's own state and
 * what is installed on this machine stay as they are.
 */
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fetchedOnce } from "./fetched.ts";
import { missingProgram } from "./privileged.ts";

export type GuestArchitecture = "x86_64" | "aarch64";

export interface GuestParts {
  /** As QEMU's -kernel takes it at once. */
  readonly kernel: string;
  readonly busybox: string;
  /** In the order in which they have to be loaded. */
  readonly modules: readonly string[];
}

const FETCH = join(import.meta.dir, "fetch-guest.sh");
const DEBIAN = { x86_64: "amd64", aarch64: "arm64" } as const;
const PROGRAMS = ["apt-cache", "apt-get", "depmod", "dpkg-deb", "modprobe", "tar", "xz"];
const MODULES = ["virtio_pci", "virtio_blk", "crc32c_generic", "btrfs"];

/** Linux's Documentation/arch/x86/boot.rst */
const SetupSectors = 0x1f1;
const PayloadOffset = 0x248;
const PayloadLength = 0x24c;
const SECTOR_BYTES = 512;

/** The parts, or why there can be none here. @throws where they can't be fetched */
export function guestParts(architecture: GuestArchitecture): GuestParts | string {
  const missing = missingProgram(PROGRAMS);
  if (missing !== undefined) return missing;
  const args = [DEBIAN[architecture], ...MODULES];
  const folder = fetchedOnce(`guest-${architecture}`, FETCH, args, (fetched) => {
    if (architecture === "x86_64") unpackKernel(join(fetched, "kernel"));
  });
  return {
    kernel: join(folder, "kernel"),
    busybox: join(folder, "busybox"),
    modules: readdirSync(join(folder, "modules"))
      .sort()
      .map((name) => join(folder, "modules", name)),
  };
}

/** Leaves in the file what QEMU starts directly (PVH): to unpack itself takes it seconds under emulation. */
export function unpackKernel(file: string): void {
  writeFileSync(file, payloadOf(readFileSync(file)));
}

function payloadOf(image: Buffer): Uint8Array {
  const start =
    (image.readUInt8(SetupSectors) + 1) * SECTOR_BYTES + image.readUInt32LE(PayloadOffset);
  const payload = image.subarray(start, start + image.readUInt32LE(PayloadLength));
  const ran = Bun.spawnSync(["xz", "--decompress", "--single-stream"], { stdin: payload });
  if (ran.exitCode === 0) return ran.stdout;
  throw new Error(`Cannot unpack the kernel: xz: status ${ran.exitCode}\n${ran.stderr}`);
}
