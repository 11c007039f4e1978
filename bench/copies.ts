/**
 * persist-copy beside what people copy state with: to another subvolume of the same
 * btrfs, as root and persist lie on a machine, and to another file system.
 *
 * Each copy goes to an empty place that was made for it, once all that was written and
 * deleted before is on the disk, so that nobody pays for another's leftovers. persist-copy
 * ends when its copies are on the disk; none of the others waits for that, but for those
 * that are made to.
 */
import { closeSync, mkdirSync, openSync, rmSync, writeFileSync, writeSync } from "node:fs";
import { join } from "node:path";
import { attachLoop, makeBtrfs, mountAt, type Scratch, sh } from "../test/support/disk.ts";
import type { Built } from "./build.ts";
import { median, timeLine } from "./measure.ts";

const GIB = 1024 ** 3;
const DISK_BYTES = 24 * GIB;
const DIRECTORIES = 1000;
const FILES_EACH = 20;
const FILE_BYTES = [10, 200, 5000, 20_000] as const;
const LARGE_FILES = 5;
const CHUNK_BYTES = 16 * 1024 ** 2;

/** From a folder of the root to a place, of the same file system or of another. */
export interface CopySet {
  readonly name: string;
  readonly folder: "small" | "large" | "one";
  readonly to: "subvolume" | "other";
  readonly rounds: number;
  /** Of those that write every byte. */
  readonly slowRounds: number;
}

export const COPY_SETS: readonly CopySet[] = [
  { name: "20,000 small files", folder: "small", to: "subvolume", rounds: 5, slowRounds: 5 },
  { name: "five of 1 GiB", folder: "large", to: "subvolume", rounds: 5, slowRounds: 1 },
  { name: "the small ones to ext4", folder: "small", to: "other", rounds: 5, slowRounds: 5 },
  { name: "1 GiB to ext4", folder: "one", to: "other", rounds: 3, slowRounds: 3 },
];

export interface CopyResult {
  readonly set: string;
  readonly contender: string;
  /** Median; undefined where it was not run. */
  readonly ms: number | undefined;
}

interface Side {
  readonly root: string;
  readonly folder: string;
  readonly place: string;
}

interface Copier {
  readonly name: string;
  readonly line: (side: Side) => string;
  readonly shares: "always" | "where it can" | "never";
}

const CP = ({ root, folder, place }: Side, flags = "") =>
  `cp -a ${flags} ${root}/${folder} ${place}/`;
const SYNC = ({ place }: Side) => `sync --file-system ${place}`;

/** What persist-copy does besides, by hand: all of one instant, and on the disk at the end. */
function cpOfSnapshot(side: Side): string {
  const root = `${side.root}-frozen`;
  return [
    `btrfs --quiet subvolume snapshot -r ${side.root} ${root}`,
    CP({ ...side, root }),
    SYNC(side),
    `btrfs --quiet subvolume delete ${root}`,
  ].join("; ");
}

function copiers({ inPlace, copy }: Built): Copier[] {
  return [
    {
      name: "persist-copy",
      shares: "where it can",
      line: ({ root, folder, place }) =>
        `${inPlace} persist-copy --quiet --root ${root} --persist ${place} /${folder}`,
    },
    {
      name: "cp -a --reflink=always",
      shares: "always",
      line: (side) => CP(side, "--reflink=always"),
    },
    { name: "cp -a", shares: "where it can", line: (side) => CP(side) },
    {
      name: "cp -a; sync --file-system",
      shares: "where it can",
      line: (side) => `${CP(side)}; ${SYNC(side)}`,
    },
    { name: "snapshot; cp -a of it; sync", shares: "where it can", line: cpOfSnapshot },
    ...[1, 2].map((threads) => ({
      name: `C, the bare calls, ${threads === 1 ? "one thread" : "two threads"}`,
      shares: "always" as const,
      line: ({ root, folder, place }: Side) =>
        `${copy} ${root}/${folder} ${place}/${folder} ${threads}`,
    })),
    {
      name: "tar | tar",
      shares: "never",
      line: ({ root, folder, place }) =>
        `tar -C ${root} --acls --xattrs --xattrs-include='*' -c ${folder} | tar -C ${place} --acls --xattrs --xattrs-include='*' -x`,
    },
    {
      name: "rsync -aHAX",
      shares: "never",
      line: ({ root, folder, place }) => `rsync -aHAX ${root}/${folder} ${place}/`,
    },
  ];
}

export function measureCopies(scratch: Scratch, built: Built): CopyResult[] {
  const top = mountAt(
    scratch,
    "copies-top",
    makeBtrfs(scratch, "copies", DISK_BYTES),
    "subvolid=5,noatime",
  );
  const other = mountExt4(scratch);
  const root = join(top, "root");
  sh(["btrfs", "--quiet", "subvolume", "create", root]);
  fillSmall(join(root, "small"));
  fillLarge(join(root, "large"), LARGE_FILES);
  fillLarge(join(root, "one"), 1);
  return COPY_SETS.flatMap((set) => {
    const places = set.to === "subvolume" ? new Subvolumes(top) : new Folders(other);
    return measure(set, copiers(built), { root, top, places });
  });
}

/** Each in turn, round after round, so that a busy moment hits all alike. */
function measure(
  set: CopySet,
  all: readonly Copier[],
  { root, top, places }: { root: string; top: string; places: Places },
): CopyResult[] {
  const times = all.map((): number[] => []);
  for (let round = 0; round < set.rounds; round++) {
    for (const [index, { shares, line }] of all.entries()) {
      const writesAll = shares === "never" || set.to === "other";
      if (shares === "always" && set.to === "other") continue;
      if (writesAll && round >= set.slowRounds) continue;
      const place = places.make();
      sh(["sync", "--file-system", top]);
      sh(["sync", "--file-system", place]);
      times[index]!.push(timeLine(line({ root, folder: set.folder, place })));
      places.remove();
      // A deleted subvolume, the snapshot of a copy too, is taken down behind our back, once
      // that it is deleted is on the disk.
      sh(["btrfs", "filesystem", "sync", top]);
      sh(["btrfs", "subvolume", "sync", top]);
    }
  }
  return all.map(({ name }, index) => {
    const ms = median(times[index]!);
    console.error(`${set.name}: ${name}: ${ms?.toFixed(1) ?? "not run"} ms`);
    return { set: set.name, contender: name, ms };
  });
}

/** Empty places, one at a time. */
interface Places {
  make(): string;
  remove(): void;
}

class Subvolumes implements Places {
  readonly #place: string;

  constructor(top: string) {
    this.#place = join(top, "persist");
  }

  make(): string {
    sh(["btrfs", "--quiet", "subvolume", "create", this.#place]);
    return this.#place;
  }

  remove(): void {
    sh(["btrfs", "--quiet", "subvolume", "delete", this.#place]);
  }
}

class Folders implements Places {
  readonly #place: string;

  constructor(other: string) {
    this.#place = join(other, "persist");
  }

  make(): string {
    mkdirSync(this.#place);
    return this.#place;
  }

  remove(): void {
    rmSync(this.#place, { recursive: true });
  }
}

function mountExt4(scratch: Scratch): string {
  const device = attachLoop(scratch, "ext4", { sizeBytes: DISK_BYTES });
  // All of it made now, or the kernel would go on making it while copies are measured.
  sh(["mkfs.ext4", "-q", "-E", "lazy_itable_init=0,lazy_journal_init=0", device]);
  const dir = scratch.mkdir("copies-ext4");
  sh(["mount", "-t", "ext4", "-o", "noatime", device, dir]);
  return dir;
}

function fillSmall(folder: string): void {
  for (let index = 0; index < DIRECTORIES; index++) {
    const directory = join(folder, `a${Math.floor(index / 50)}`, `b${index % 50}`);
    mkdirSync(directory, { recursive: true });
    for (let file = 0; file < FILES_EACH; file++) {
      writeFileSync(join(directory, `file-${file}`), "x".repeat(FILE_BYTES[file % 4]!));
    }
  }
}

/** Real extents: what is shared is not a hole. */
function fillLarge(folder: string, files: number): void {
  mkdirSync(folder);
  const chunk = Buffer.alloc(CHUNK_BYTES, "x");
  for (let file = 0; file < files; file++) {
    const fd = openSync(join(folder, `file-${file}`), "w");
    for (let bytes = 0; bytes < GIB; bytes += CHUNK_BYTES) writeSync(fd, chunk);
    closeSync(fd);
  }
}
