/**
 * Who a disk is: world-wide name, serial, and the token a user repeats to agree
 * to erasing it.
 *
 * Read from sysfs, which every kernel has, and not from udev's database, which
 * an installer or a test machine may lack.
 */
import { type Identified, tokenOf } from "../../token.ts";
import { attribute, sizeBytesOf, wholeDisks } from "./sysfs.ts";

export interface Identity {
  readonly wwn: string | undefined;
  readonly serial: string | undefined;
  readonly model: string | undefined;
  readonly token: string;
  /** The sysfs file that tells the disk from others, or undefined where nothing does. */
  readonly toldBy: string | undefined;
}

/** NVMe and newer drivers have `wwid` on the disk, SCSI on its device. */
const WWID_FILES = ["wwid", "device/wwid"];
/** virtio; NVMe and MMC; SCSI's unit serial number page. */
const SERIAL_FILES = ["serial", "device/serial", "device/vpd_pg80"];
const MODEL_FILES = ["device/model", "device/name"];

export function probeIdentity(kernelName: string): Identity {
  const wwid = worldWideId(kernelName);
  const serial = firstOf(kernelName, SERIAL_FILES);
  const others = wholeDisks().filter((other) => other !== kernelName);
  return {
    wwn: wwid?.text,
    serial: serial?.text,
    model: firstOf(kernelName, MODEL_FILES)?.text,
    token: tokenOf(identified(kernelName), others.map(identified)),
    toldBy: wwid?.file ?? serial?.file,
  };
}

function identified(kernelName: string): Identified {
  return {
    kernelName,
    sizeBytes: sizeBytesOf(kernelName),
    wwn: worldWideId(kernelName)?.text,
    serial: firstOf(kernelName, SERIAL_FILES)?.text,
  };
}

/** Only names that are unique in the world: SCSI's "t10." and plain vendor strings are not. */
function worldWideId(kernelName: string): { file: string; text: string } | undefined {
  const wwid = firstOf(kernelName, WWID_FILES);
  return wwid !== undefined && /^(naa|eui|uuid)\./.test(wwid.text) ? wwid : undefined;
}

function firstOf(
  kernelName: string,
  files: readonly string[],
): { file: string; text: string } | undefined {
  for (const file of files) {
    // vpd_pg80 begins with four bytes of header: type, page, length.
    const raw = attribute(kernelName, file);
    const text = file.endsWith("vpd_pg80")
      ? raw?.replace(/^[\x00-\x1f\x80]*[\x00-\x20]*/, "").trim()
      : raw;
    if (text) return { file, text };
  }
  return undefined;
}
