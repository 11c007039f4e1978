/**
 * Who a disk is: world-wide name, serial, and the token a user repeats to agree
 * to erasing it.
 *
 * Read from sysfs, which every kernel has, and not from udev's database, which
 * an installer or a test machine may lack.
 */
import { type Identified, tokenOf } from "../../token.ts";
import { attribute, sizeBytesOf, wholeDisks } from "./sysfs.ts";

export interface Identity extends Told {
  readonly token: string;
}

/** What the files of one disk tell. */
interface Told {
  readonly wwn: string | undefined;
  readonly serial: string | undefined;
  readonly model: string | undefined;
  /** NVMe's number of the namespace, where the serial is that of its controller alone. */
  readonly namespace: number | undefined;
  /** The sysfs file that tells the disk from others, or undefined where nothing does. */
  readonly toldBy: string | undefined;
}

/** Reads a sysfs file of the disk; undefined where the driver has none. */
type Attribute = (file: string) => string | undefined;

/** NVMe and newer drivers have `wwid` on the disk, SCSI on its device. */
const WWID_FILES = ["wwid", "device/wwid"];
/** virtio; NVMe and MMC; SCSI's unit serial number page. */
const SERIAL_FILES = ["serial", "device/serial", "device/vpd_pg80"];
const MODEL_FILES = ["device/model", "device/name"];
/** Only names that are unique in the world: SCSI's "t10." and plain vendor strings are not. */
const WORLD_WIDE = /^(naa|eui|uuid)\./;
/** Made by the kernel of vendor, serial, model and namespace, in hexadecimal; see wwid_show() of its NVMe driver. */
const NVME_NAMESPACE = /^nvme\..*-([0-9a-f]{8})$/;

export function probeIdentity(kernelName: string): Identity {
  const others = wholeDisks().filter((other) => other !== kernelName);
  return {
    ...identify(attributesOf(kernelName)),
    token: tokenOf(identified(kernelName), others.map(identified)),
  };
}

export function identify(read: Attribute): Told {
  const wwid = firstOf(read, WWID_FILES);
  const serial = firstOf(read, SERIAL_FILES);
  const worldWide = wwid !== undefined && WORLD_WIDE.test(wwid.text) ? wwid : undefined;
  const namespace = NVME_NAMESPACE.exec(wwid?.text ?? "")?.[1];
  return {
    wwn: worldWide?.text,
    serial: serial?.text,
    model: firstOf(read, MODEL_FILES)?.text,
    namespace: namespace === undefined ? undefined : Number.parseInt(namespace, 16),
    toldBy: namespace === undefined ? (worldWide ?? serial)?.file : wwid?.file,
  };
}

function identified(kernelName: string): Identified {
  return {
    ...identify(attributesOf(kernelName)),
    kernelName,
    sizeBytes: sizeBytesOf(kernelName),
  };
}

function attributesOf(kernelName: string): Attribute {
  return (file) => attribute(kernelName, file);
}

function firstOf(
  read: Attribute,
  files: readonly string[],
): { file: string; text: string } | undefined {
  for (const file of files) {
    // vpd_pg80 begins with four bytes of header: type, page, length.
    const raw = read(file);
    const text = file.endsWith("vpd_pg80")
      ? raw?.replace(/^[\x00-\x1f\x80]*[\x00-\x20]*/, "").trim()
      : raw;
    if (text) return { file, text };
  }
  return undefined;
}
