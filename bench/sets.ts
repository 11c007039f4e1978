/** The sets that are measured: real btrfs on a loop disk, made anew for each run of the bench. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { makeBtrfs, mountAt, type Scratch, sh } from "../test/support/disk.ts";
import { type SnapperSample, SnapperSide } from "./snapper.ts";

export interface Sample {
  readonly name: string;
  /** Mounted subvolumes. */
  readonly root: string;
  readonly base: string;
  readonly snapper: SnapperSample;
}

const DISK_BYTES = 24 * 1024 ** 3;
const SERVER_DIRECTORIES = 120;
const SERVER_FILES = 2400;
const MILLION_DIRECTORIES = 50_000;
const FILES_EACH = 20;
const CHANGES = 1000;

export interface Sets {
  /** Of the file system that holds all of them. */
  readonly device: string;
  readonly server: Sample;
  readonly million: Sample;
  readonly delta: Sample;
}

export function makeSets(scratch: Scratch): Sets {
  const device = makeBtrfs(scratch, "disk", DISK_BYTES, "Bench");
  const top = mountAt(scratch, "top", device, "noatime");
  const at = (name: string) => join(top, name);
  const snapshot = (from: string, to: string, ...flags: string[]) =>
    sh(["btrfs", "--quiet", "subvolume", "snapshot", ...flags, at(from), at(to)]);
  for (const name of ["empty", "persist"]) {
    sh(["btrfs", "--quiet", "subvolume", "create", at(name)]);
  }
  sh(["btrfs", "property", "set", "-ts", at("empty"), "ro", "true"]);
  const snapperOf = (name: string, base: string) =>
    new SnapperSide(scratch.dir, name, { top, base: at(base) });
  const [ofServer, ofMillion] = ["server", "million"].map((name) => snapperOf(name, "empty"));
  snapshot("empty", "server");
  fillServer(at("server"));
  snapshot("empty", "million");
  fillMillion(at("million"));
  sh(["btrfs", "filesystem", "sync", top]);
  snapshot("million", "million-blank", "-r");
  const ofDelta = snapperOf("delta", "million-blank");
  snapshot("million-blank", "changed");
  change(at("changed"));
  sh(["btrfs", "filesystem", "sync", top]);
  const sample = (name: string, root: string, base: string, snapper: SnapperSide): Sample => {
    return { name, root: at(root), base: at(base), snapper: snapper.finish(at(root)) };
  };
  const sets = {
    device,
    server: sample("server", "server", "empty", ofServer!),
    million: sample("million", "million", "empty", ofMillion!),
    delta: sample("delta", "changed", "million-blank", ofDelta),
  };
  sh(["btrfs", "filesystem", "sync", top]);
  return sets;
}

/** A machine's state: small files of several sizes in directories of twenty. */
function fillServer(root: string): void {
  for (let file = 0; file < SERVER_FILES; file++) {
    const directory = join(root, "var/lib/service", String(file % SERVER_DIRECTORIES));
    mkdirSync(directory, { recursive: true });
    writeFileSync(join(directory, `file-${file}`), "x".repeat([10, 200, 5000][file % 3]!));
  }
}

function directoryOf(index: number): string {
  const part = (number: number) => String(number).padStart(2, "0");
  return `a${part(Math.floor(index / 2500))}/b${part(Math.floor(index / 50) % 50)}/c${part(index % 50)}`;
}

function fillMillion(root: string): void {
  for (let index = 0; index < MILLION_DIRECTORIES; index++) {
    const directory = join(root, directoryOf(index));
    mkdirSync(directory, { recursive: true });
    for (let file = 0; file < FILES_EACH; file++) {
      writeFileSync(join(directory, `file-${String(file).padStart(3, "0")}.dat`), `${file}`);
    }
  }
}

/** Changes far apart, a quarter of each kind. */
function change(root: string): void {
  for (let index = 0; index < CHANGES; index++) {
    const directory = join(root, directoryOf((index * 7919) % MILLION_DIRECTORIES));
    const file = join(directory, `file-${String(index % FILES_EACH).padStart(3, "0")}.dat`);
    if (index % 4 === 0) writeFileSync(file, "changed");
    else if (index % 4 === 1) writeFileSync(join(directory, `new-${index}`), "new");
    else if (index % 4 === 2) sh(["rm", "-f", file]);
    else sh(["chmod", "600", file]);
  }
}
