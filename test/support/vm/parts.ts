/**
 * What real boots are made of, from Debian's packages: a kernel, busybox for the small
 * system, and an initramfs with a real systemd. Made once for a clone.
 */
import { join } from "node:path";
import { fetchedOnce } from "../fetched.ts";
import { unpackKernel } from "../guest.ts";
import { missingPrivilege, missingProgram } from "../privileged.ts";

export interface BootParts {
  /** As QEMU's -kernel takes it at once. */
  readonly kernel: string;
  readonly busybox: string;
  /** Uncompressed: what is appended to it lies over it. */
  readonly initrd: string;
}

/** Debian 12, whose systemd is 252. */
const RELEASE = "bookworm";
const FETCH = join(import.meta.dir, "fetch-boot.sh");
const PROGRAMS = ["apt-get", "chroot", "dpkg-deb", "qemu-system-x86_64", "setpriv", "tar", "xz"];

/** Why real boots can't be tried here, or undefined. */
export function missingForBoots(programs: readonly string[] = []): string | undefined {
  return missingPrivilege() ?? missingProgram([...PROGRAMS, ...programs]);
}

/** @throws where they can't be fetched */
export function bootParts(release = RELEASE): BootParts {
  const folder = fetchedOnce(`boot-${release}`, FETCH, [release], (fetched) =>
    unpackKernel(join(fetched, "kernel")),
  );
  return {
    kernel: join(folder, "kernel"),
    busybox: join(folder, "busybox"),
    initrd: join(folder, "initrd.cpio"),
  };
}
