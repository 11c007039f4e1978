/** A system of NixOS as it lies in the store: its initrd, its kernel's parameters, its fstab. */
import { constants, fstatSync } from "node:fs";
import type { FstabEntry, SystemFacts } from "../../doctor/facts.ts";
import { openInRoot, READ } from "../at.ts";
import { probeInitrd } from "./initrd.ts";
import { textInRoot } from "./text-in-root.ts";

export interface FoundSystem {
  readonly facts: SystemFacts;
  /** Tells one initrd from another. */
  readonly initrdInode: string | undefined;
}

/**
 * @param top an open directory that is the system's `/`
 * @param path of the system, such as /nix/var/nix/profiles/system
 * @returns undefined where there is none
 */
export function probeSystem(top: number, path: string): FoundSystem | undefined {
  using system = openInRoot(top, path, constants.O_RDONLY | constants.O_DIRECTORY);
  if (system === undefined) return undefined;
  using initrd = openInRoot(top, `${path}/initrd`, READ);
  const isFile = initrd !== undefined && fstatSync(initrd.fd).isFile();
  return {
    facts: {
      initrd: isFile ? probeInitrd(initrd.fd) : { unreadable: "there is none" },
      kernelParams: textInRoot(top, `${path}/kernel-params`) ?? "",
      fstab: parseFstab(textInRoot(top, `${path}/etc/fstab`) ?? ""),
    },
    initrdInode: isFile ? inodeOf(initrd.fd) : undefined,
  };
}

/** Lines of fstab(5); spaces in names are written as \040. */
export function parseFstab(text: string): FstabEntry[] {
  return text
    .split("\n")
    .filter((line) => /^\s*[^\s#]/.test(line))
    .map((line) => line.trim().split(/\s+/).map(unescaped))
    .map(([device = "", mountPoint = "", , options = ""]) => ({
      device,
      mountPoint,
      options: options.split(","),
    }));
}

function unescaped(field: string): string {
  return field.replace(/\\([0-7]{3})/g, (_, octal) =>
    String.fromCharCode(Number.parseInt(octal, 8)),
  );
}

function inodeOf(fd: number): string {
  const { dev, ino } = fstatSync(fd, { bigint: true });
  return `${dev}:${ino}`;
}
