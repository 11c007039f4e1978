/**
 * What is on a disk: its partition table, and the signature of each partition.
 *
 * Partitions are taken from the table on the disk (`sfdisk --json`) and probed
 * at their offset, not through their nodes: a kernel without the table's parser
 * shows none, and what it doesn't show would be erased unmentioned.
 */
import type { Contents, Partition, Signature } from "../../facts.ts";
import { run } from "../spawn.ts";

/** `blkid --probe` ends with 2 when it finds nothing, 8 when signatures contradict each other. */
export const BLKID_NOTHING = 2;
const BLKID_AMBIVALENT = 8;

/** Tables that sfdisk(8) reads; of others (mac, bsd) it is known only that they are there. */
const READABLE_TABLES = new Set(["gpt", "dos", "sgi", "sun"]);

export async function probeContents(node: string): Promise<Contents> {
  const found = await blkid(node, []);
  const table = found.get("ID_PART_TABLE_TYPE");
  const isReadable = table !== undefined && READABLE_TABLES.has(table);
  const partitions = isReadable ? await tablePartitions(node) : [];
  return { table, isReadable, partitions, whole: signatureOf(found) };
}

/** The signature on a block device as a whole, or undefined. */
export async function probeSignature(node: string): Promise<Signature | undefined> {
  return signatureOf(await blkid(node, []));
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

async function tablePartitions(node: string): Promise<Partition[]> {
  const { stdout } = await run(["sfdisk", "--json", node]);
  const { partitiontable } = JSON.parse(stdout) as SfdiskTable;
  const sectorSizeBytes = partitiontable.sectorsize ?? 512;
  const partitions: Partition[] = [];
  for (const entry of partitiontable.partitions ?? []) {
    const startBytes = entry.start * sectorSizeBytes;
    const sizeBytes = entry.size * sectorSizeBytes;
    const found = await blkid(node, ["--offset", String(startBytes), "--size", String(sizeBytes)]);
    partitions.push({
      number: Number(/(\d+)$/.exec(entry.node)?.[1]),
      startBytes,
      sizeBytes,
      type: entry.type,
      name: entry.name,
      signature: signatureOf(found),
    });
  }
  return partitions;
}

async function blkid(node: string, where: readonly string[]): Promise<Map<string, string>> {
  const argv = ["blkid", "--probe", "--output", "udev", ...where, node];
  const { stdout, status } = await run(argv, { accept: [0, BLKID_NOTHING, BLKID_AMBIVALENT] });
  const values = new Map<string, string>();
  if (status === BLKID_AMBIVALENT) values.set("ID_FS_TYPE", "several contradicting signatures");
  for (const line of stdout.split("\n")) {
    const equals = line.indexOf("=");
    if (equals > 0) values.set(line.slice(0, equals), line.slice(equals + 1));
  }
  return values;
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

/** libblkid writes what is not plain as \xNN; see encode_string in its documentation. */
function decodeUdev(text: string): string {
  const bytes = text.replace(/\\x([0-9a-f]{2})/g, (_, hex) =>
    String.fromCharCode(Number.parseInt(hex, 16)),
  );
  return new TextDecoder().decode(Buffer.from(bytes, "latin1"));
}
