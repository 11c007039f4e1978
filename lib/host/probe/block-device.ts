/** The block device that a path leads to, in the kernel's own name for it. */
import { statSync } from "node:fs";
import { Refusal } from "../../fault.ts";
import { visible } from "../../text.ts";
import { kernelNameOf, majorMinorOf } from "./sysfs.ts";

/** @throws Refusal, saying what the path is, where it is no block device */
export function blockDeviceAt(device: string): string {
  const found = statSync(device, { throwIfNoEntry: false });
  if (found === undefined) {
    throw new Refusal(`Cannot use ${visible(device)} as a disk: there is no such device`, {
      hint: "lsblk --output PATH,MODEL,SERIAL,SIZE shows the disks of this machine",
    });
  }
  const name = found.isBlockDevice() ? kernelNameOf(majorMinorOf(found.rdev)) : undefined;
  if (name !== undefined) return name;
  const kind = found.isFile()
    ? "a plain file"
    : found.isDirectory()
      ? "a directory"
      : "no block device";
  throw new Refusal(
    `Cannot use ${visible(device)} as a disk: it is ${kind}, expected a whole disk`,
    {
      hint: found.isFile()
        ? `losetup --find --show --partscan ${visible(device)} makes a disk of it`
        : undefined,
    },
  );
}
