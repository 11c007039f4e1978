/**
 * What is on a disk: its partition table, and the signature of each partition.
 *
 * Partitions are taken from the table on the disk (`sfdisk --json`) and probed
 * at their offset, not through their nodes: a kernel without the table's parser
 * shows none, and what it doesn't show would be erased unmentioned.
 */
import type { Contents, Partition, Signature } from "../../facts.ts";
import { Refusal } from "../../fault.ts";
import { visible } from "../../text.ts";
import { run } from "../spawn.ts";
import { blockDeviceAt } from "./block-device.ts";
import { readFault } from "./readable.ts";
import { sizeBytesOf } from "./sysfs.ts";

/** `blkid --probe` ends with 2 when it finds nothing or can't read, 8 when signatures contradict each other. */
export const BLKID_NOTHING = 2;
const BLKID_AMBIVALENT = 8;

/** Tables that sfdisk(8) reads; of others (mac, bsd) it is known only that they are there. */
const READABLE_TABLES = new Set(["gpt", "dos", "sgi", "sun"]);

/**
 * What a search for labels makes of what can't be read, and so bears none that
 * anybody could find; all else must know what it is about to touch.
 */
export type Unreadable = "refused" | "nothing";

/** @throws Refusal where a part can't be read, unless that is to count as nothing */
export async function probeContents(
  node: string,
  unreadable: Unreadable = "refused",
): Promise<Contents> {
  const found = await blkid({ node, name: node, unreadable });
  const table = found.get("ID_PART_TABLE_TYPE");
  const isReadable = table !== undefined && READABLE_TABLES.has(table);
  const partitions = isReadable ? await tablePartitions(node, unreadable) : [];
  return { table, isReadable, partitions, whole: signatureOf(found) };
}

/** The signature on a block device as a whole, or undefined. @throws Refusal as `probeContents` */
export async function probeSignature(
  node: string,
  unreadable: Unreadable = "refused",
): Promise<Signature | undefined> {
  return signatureOf(await blkid({ node, name: node, unreadable }));
}

interface SfdiskTable {
  readonly partitiontable: {
    readonly sectorsize?: number;
    readonly partitions?: ReadonlyArray<{
      readonly node: string;
      readonly start: number;
      readonly size: number;
      readonly type: string;
      readonly name?: string;
    }>;
  };
}

async function tablePartitions(node: string, unreadable: Unreadable): Promise<Partition[]> {
  const { stdout } = await run(["sfdisk", "--json", node]);
  const { partitiontable } = JSON.parse(stdout) as SfdiskTable;
  const sectorSizeBytes = partitiontable.sectorsize ?? 512;
  const partitions: Partition[] = [];
  for (const entry of partitiontable.partitions ?? []) {
    const startBytes = entry.start * sectorSizeBytes;
    const sizeBytes = entry.size * sectorSizeBytes;
    const number = Number(/(\d+)$/.exec(entry.node)?.[1]);
    const name = `partition ${number} of ${node}`;
    const found = await blkid({ node, name, unreadable, stretch: { startBytes, sizeBytes } });
    partitions.push({
      number,
      startBytes,
      sizeBytes,
      type: entry.type,
      name: entry.name,
      signature: signatureOf(found),
    });
  }
  return partitions;
}

interface Probed {
  readonly node: string;
  /** What a refusal calls it. */
  readonly name: string;
  readonly unreadable: Unreadable;
  /** All of the node unless given. */
  readonly stretch?: { readonly startBytes: number; readonly sizeBytes: number };
}

async function blkid(probed: Probed): Promise<Map<string, string>> {
  const { node, stretch } = probed;
  const values = new Map<string, string>();
  const deviceBytes = sizeBytesOf(blockDeviceAt(node));
  const { startBytes, sizeBytes } = stretch ?? { startBytes: 0, sizeBytes: deviceBytes };
  // A table may be that of a larger disk: beyond the end there is nothing to lose.
  const existingBytes = Math.min(sizeBytes, deviceBytes - startBytes);
  if (existingBytes <= 0) return values;
  const where = ["--offset", String(startBytes), "--size", String(existingBytes)];
  const argv = ["blkid", "--probe", "--output", "udev", ...(stretch ? where : []), node];
  const ran = await run(argv, { accept: [0, BLKID_NOTHING, BLKID_AMBIVALENT] });
  if (ran.status === BLKID_NOTHING) {
    const fault = ran.stderr.trim() || readFault(node, startBytes, existingBytes);
    if (fault !== undefined && probed.unreadable === "refused") refuseUnread(probed.name, fault);
  }
  if (ran.status === BLKID_AMBIVALENT) values.set("ID_FS_TYPE", "several contradicting signatures");
  for (const line of ran.stdout.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1));
  }
  return values;
}

function refuseUnread(name: string, fault: string): never {
  throw new Refusal(
    `Cannot tell what ${name} holds: it can't be read (${visible(fault)}), expected to see whether it is blank`,
    {
      hint: /permission denied|EACCES/i.test(fault)
        ? "Nothing was touched. This needs root"
        : "Nothing was touched. The disk may be failing: the kernel's log (dmesg) says more",
    },
  );
}

function signatureOf(values: ReadonlyMap<string, string>): Signature | undefined {
  const type = values.get("ID_FS_TYPE");
  if (type === undefined) return undefined;
  const label = values.get("ID_FS_LABEL_ENC");
  return {
    type,
    label: label === undefined ? undefined : decodeUdev(label),
    uuid: values.get("ID_FS_UUID"),
  };
}

/** libblkid leaves UTF-8 as it is and writes other bytes as \xNN; see blkid_encode_string(). */
function decodeUdev(text: string): string {
  const bytes = Buffer.from(text).toString("latin1");
  const decoded = bytes.replace(/\\x([0-9a-f]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return new TextDecoder().decode(Buffer.from(decoded, "latin1"));
}
