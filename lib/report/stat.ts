/** What was compared, summed up by fate, by status and by type. */
import type { Change, FileType, Status } from "../btrfs/change.ts";
import { ByteSum, type Weight, weightOf } from "../byte-sum.ts";
import type { Fate, Verdict } from "../fate.ts";
import { formatBytes } from "../text.ts";
import { jsonNumber, toJson } from "./json.ts";

interface Sum {
  count: number;
  readonly bytes: ByteSum;
}

const FATES: readonly Fate[] = ["lost", "kept", "managed", "ignored", "restored"];
const STATUSES: readonly Status[] = ["A", "M", "m", "T", "D"];
const TYPES: readonly FileType[] = [
  "file",
  "directory",
  "symlink",
  "fifo",
  "socket",
  "character",
  "block",
  "subvolume",
];
const MEANINGS: Readonly<Record<Status, string>> = {
  A: "added",
  M: "content changed",
  m: "metadata changed",
  T: "type changed",
  D: "gone",
};

export class Stat {
  readonly #fates = new Map<Fate, Sum>();
  readonly #statuses = new Map<Status, Sum>();
  readonly #types = new Map<FileType, Sum>();
  #count = 0;

  add(change: Change, { fate }: Verdict): void {
    const weight = weightOf(change);
    addTo(this.#fates, fate, weight);
    addTo(this.#statuses, change.status, weight);
    addTo(this.#types, change.type, weight);
    this.#count++;
  }

  get count(): number {
    return this.#count;
  }

  /** A table for people, a line each. */
  render(_limits?: { readonly width: number }): string[] {
    return [
      ...rows("fate", FATES, this.#fates, (fate) => fate),
      "",
      ...rows("status", STATUSES, this.#statuses, (status) => `${status} ${MEANINGS[status]}`),
      "",
      ...rows("type", TYPES, this.#types, (type) => type),
    ];
  }

  json(): string {
    return toJson({
      kind: "stat",
      fates: table(FATES, this.#fates),
      statuses: table(STATUSES, this.#statuses),
      types: table(TYPES, this.#types),
    });
  }
}

function addTo<Key>(sums: Map<Key, Sum>, key: Key, weight: Weight): void {
  let sum = sums.get(key);
  if (sum === undefined) {
    sum = { count: 0, bytes: new ByteSum() };
    sums.set(key, sum);
  }
  sum.count++;
  sum.bytes.add(weight);
}

function rows<Key>(
  title: string,
  keys: readonly Key[],
  sums: ReadonlyMap<Key, Sum>,
  name: (key: Key) => string,
): string[] {
  const present = keys.filter((key) => sums.has(key));
  return [
    `${title.padEnd(18)}${"paths".padStart(12)}${"bytes".padStart(14)}`,
    ...present.map((key) => {
      const { count, bytes } = sums.get(key)!;
      const size = formatBytes(bytes.total);
      return `${name(key).padEnd(18)}${count.toLocaleString("en").padStart(12)}${size.padStart(14)}`;
    }),
  ];
}

function table<Key extends string>(keys: readonly Key[], sums: ReadonlyMap<Key, Sum>) {
  return Object.fromEntries(
    keys.map((key) => {
      const { count = 0, bytes } = sums.get(key) ?? {};
      return [key, { count, bytes: jsonNumber(bytes?.total ?? 0) }];
    }),
  );
}
