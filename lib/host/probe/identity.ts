/**
 * Who a disk is: world-wide name, serial, and the token a user repeats to agree
 * to erasing it.
 *
 * Read from sysfs, which every kernel has, and not from udev's database, which
 * an installer or a test machine may lack.
 */
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
  const wwid = firstOf(kernelName, WWID_FILES);
  const serial = firstOf(kernelName, SERIAL_FILES);
  const wwn = wwid !== undefined && /^(naa|eui|uuid)\./.test(wwid.text) ? wwid.text : undefined;
  return {
    wwn,
    serial: serial?.text,
    model: firstOf(kernelName, MODEL_FILES)?.text,
    token: tokenOf(kernelName),
    toldBy: (wwn === undefined ? undefined : wwid?.file) ?? serial?.file,
  };
}

/** WWN or EUI, else serial, else NAME-BYTES; made longer where two disks would share it. */
function tokenOf(kernelName: string): string {
  const own = shortToken(kernelName);
  const shared = wholeDisks().some((other) => other !== kernelName && shortToken(other) === own);
  return shared ? `${own}-${nameAndBytes(kernelName)}` : own;
}

function shortToken(kernelName: string): string {
  const wwid = firstOf(kernelName, WWID_FILES)?.text;
  if (wwid !== undefined && /^(naa|eui|uuid)\./.test(wwid)) return wordOf(wwid);
  const serial = firstOf(kernelName, SERIAL_FILES)?.text;
  return serial === undefined ? nameAndBytes(kernelName) : wordOf(serial);
}

function nameAndBytes(kernelName: string): string {
  return `${kernelName}-${sizeBytesOf(kernelName)}`;
}

/** One word that can be typed: vendors pad serials and put anything in them. */
function wordOf(text: string): string {
  return text.replace(/[^A-Za-z0-9._:-]+/g, "_");
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
