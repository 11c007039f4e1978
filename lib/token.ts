/**
 * The token of a disk: what a user repeats to agree to erasing it. WWN or EUI,
 * else serial number, else name and bytes; longer where two disks would share it,
 * for clones and cheap enclosures do share serial numbers.
 */
export interface Identified {
  readonly kernelName: string;
  readonly sizeBytes: number;
  readonly wwn: string | undefined;
  readonly serial: string | undefined;
  /** Of the controller that the serial is of: one serial for all of them (NVMe). */
  readonly namespace?: number | undefined;
}

/** @param others all other disks of the machine */
export function tokenOf(disk: Identified, others: readonly Identified[]): string {
  const own = shortToken(disk);
  const isShared = others.some((other) => shortToken(other) === own);
  return isShared ? `${own}-${nameAndBytes(disk)}` : own;
}

function shortToken(disk: Identified): string {
  const word = wordOf(disk.wwn ?? disk.serial ?? "");
  if (word === "") return nameAndBytes(disk);
  const isOfController = disk.wwn === undefined && disk.namespace !== undefined;
  return isOfController ? `${word}-ns${disk.namespace}` : word;
}

function nameAndBytes({ kernelName, sizeBytes }: Identified): string {
  return `${kernelName}-${sizeBytes}`;
}

/** One word that can be typed: vendors pad serials and put anything in them. */
function wordOf(text: string): string {
  return text.replace(/[^A-Za-z0-9._:-]+/g, "_").replace(/^_+|_+$/g, "");
}
