/**
 * Another way to the same answer: both mounted trees walked whole with lstat and
 * read, nothing known of btrfs but its inode numbers 256 (top of a subvolume) and
 * 2 (stub of one). Slow, simple, and shares no code with what it checks.
 */
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import { visible } from "../../lib/text.ts";

const TOP = 256n;
const STUB = 2n;

interface Entry {
  path: Buffer;
  type: string;
  stat: BigIntStats;
  /** Names and inodes, for directories. */
  entries: string;
}

/** `STATUS type path` for each difference, in byte order with directories as `name/`. */
export function expectedChanges(root: string, base: string | undefined): string[] {
  const ours = walk(root);
  const theirs = base === undefined ? new Map<string, Entry>() : walk(base);
  const lines: Array<{ key: string; line: string }> = [];
  for (const path of new Set([...ours.keys(), ...theirs.keys()])) {
    const our = ours.get(path);
    const their = theirs.get(path);
    const status = compare(root, our, base, their);
    const { type, path: bytes } = (our ?? their)!;
    const folder = type === "directory" || type === "subvolume";
    if (status === undefined || (base === undefined && path === "")) continue;
    const line = `${status} ${type} ${visible(path === "" ? "/" : bytes)}`;
    lines.push({ key: folder ? `${path}/` : path, line });
  }
  lines.sort((a, b) => (a.key < b.key ? -1 : 1));
  return lines.map(({ line }) => line);
}

function walk(top: string): Map<string, Entry> {
  const found = new Map<string, Entry>();
  const visit = (path: Buffer) => {
    const place = Buffer.concat([Buffer.from(top), path]);
    const stat = lstatSync(place, { bigint: true });
    const entry = { path, type: typeOf(stat, path.length === 0), stat, entries: "" };
    found.set(path.toString("latin1"), entry);
    if (!stat.isDirectory()) return;
    const names = readdirSync(place, { encoding: "buffer" });
    for (const name of names) visit(Buffer.concat([path, Buffer.from("/"), name]));
    const inodes = names.map((name) => {
      const child = found.get(`${path.toString("latin1")}/${name.toString("latin1")}`)!;
      return `${name.toString("hex")} ${child.stat.ino === STUB ? TOP : child.stat.ino}`;
    });
    entry.entries = inodes.sort().join();
  };
  visit(Buffer.alloc(0));
  return found;
}

function typeOf(stat: BigIntStats, isTop: boolean): string {
  if (stat.isDirectory()) return stat.ino === TOP && !isTop ? "subvolume" : "directory";
  if (stat.isSymbolicLink()) return "symlink";
  return stat.isFIFO() ? "fifo" : "file";
}

function compare(
  root: string,
  our: Entry | undefined,
  base: string | undefined,
  their: Entry | undefined,
): string | undefined {
  if (our === undefined) return "D";
  if (their === undefined) return "A";
  if (our.type !== their.type) return "T";
  if (!sameContent(root, our, base!, their)) return "M";
  const { stat } = our;
  // A stub is shown with its parent's owner and the present time.
  if (stat.ino === STUB || their.stat.ino === STUB) {
    return stat.mode === their.stat.mode ? undefined : "m";
  }
  const same =
    stat.mode === their.stat.mode && stat.uid === their.stat.uid && stat.gid === their.stat.gid;
  const timesCount = !stat.isDirectory() || our.entries === their.entries;
  const sameLinks = stat.nlink === their.stat.nlink;
  return same && sameLinks && (!timesCount || sameTimes(stat, their.stat)) ? undefined : "m";
}

/** The time of a change counts for what is one inode: by its number and time of birth. */
function sameTimes(our: BigIntStats, their: BigIntStats): boolean {
  if (our.mtimeNs !== their.mtimeNs) return false;
  const isOne = our.ino === their.ino && our.birthtimeNs === their.birthtimeNs;
  return !isOne || our.ctimeNs === their.ctimeNs;
}

function sameContent(root: string, our: Entry, base: string, their: Entry): boolean {
  const [left, right] = [place(root, our), place(base, their)];
  if (our.type === "symlink") {
    const text = (path: Buffer) => readlinkSync(path, { encoding: "buffer" });
    return text(left).equals(text(right));
  }
  return our.type !== "file" || readFileSync(left).equals(readFileSync(right));
}

function place(top: string, { path }: Entry): Buffer {
  return Buffer.concat([Buffer.from(top), path]);
}
