/**
 * What was predicted of a rollback, held against what it did: path by path, from walks
 * of mounted trees that know nothing of btrfs but the inode numbers of subvolumes, and
 * nothing of how a prediction comes about.
 */
import { type BigIntStats, lstatSync, readdirSync, readFileSync, readlinkSync } from "node:fs";

const TOP = 256n;
/** What a snapshot has in the place of a nested subvolume. */
const STUB = 2n;

/** A path as it is, with less and less of it: its count of links and ctime, its mtime. */
interface Seen {
  readonly type: string;
  readonly exact: string;
  readonly whole: string;
  readonly timeless: string;
}

const STUB_SEEN = likeNothing("directory", "stub");

export function likeNothing(type: string, what: string): Seen {
  return { type, exact: what, whole: what, timeless: what };
}

/** A copy of a nested subvolume is a directory. */
function kindOf(type: string): string {
  return type === "subvolume" ? "directory" : type;
}

/** By path, bytes as latin1; "" is the top. */
export type Tree = ReadonlyMap<string, Seen>;

export function walkTree(top: string): Tree {
  const found = new Map<string, Seen>();
  const visit = (path: Buffer) => {
    const place = Buffer.concat([Buffer.from(top), path]);
    const stat = lstatSync(place, { bigint: true });
    const isTop = path.length === 0;
    const { type, content } = typeAndContent(place, stat, isTop);
    const facts = [stat.mode, stat.uid, stat.gid].map(String);
    const timeless = [kindOf(type), ...facts, content].join(" ");
    const isStub = stat.ino === STUB;
    // A stub is shown with its parent's owner and the present time.
    const whole = `${type} ${timeless} ${stat.mtimeNs}`;
    const exact = `${whole} ${stat.nlink} ${stat.ctimeNs}`;
    found.set(path.toString("latin1"), isStub ? STUB_SEEN : { type, timeless, whole, exact });
    if (!stat.isDirectory()) return;
    for (const name of readdirSync(place, { encoding: "buffer" })) {
      visit(Buffer.concat([path, Buffer.from("/"), name]));
    }
  };
  visit(Buffer.alloc(0));
  return found;
}

function typeAndContent(
  place: Buffer,
  stat: BigIntStats,
  isTop: boolean,
): { type: string; content: string } {
  if (stat.isDirectory()) {
    return { type: stat.ino === TOP && !isTop ? "subvolume" : "directory", content: "" };
  }
  if (stat.isSymbolicLink()) {
    return {
      type: "symlink",
      content: readlinkSync(place, { encoding: "buffer" }).toString("hex"),
    };
  }
  if (!stat.isFile()) return { type: stat.isFIFO() ? "fifo" : "other", content: "" };
  const hash = new Bun.CryptoHasher("sha256").update(readFileSync(place));
  return { type: "file", content: hash.digest("hex") };
}

export interface Predicted {
  readonly path: string;
  readonly status: string;
  readonly fate: string;
  readonly reason: string;
}

/** The lines of `fs-diff --all --json`. */
export function predictions(stdout: string): Predicted[] {
  return stdout
    .split("\n")
    .filter((line) => line !== "")
    .map((line) => {
      const { path, path_bytes: bytes, status, fate, reason } = JSON.parse(line);
      const raw = Buffer.from(bytes ?? path, bytes === undefined ? "utf8" : "base64");
      const absolute = raw.toString("latin1");
      return { path: absolute === "/" ? "" : absolute, status, fate, reason };
    });
}

export interface RolledBack {
  /** The root before, its blank one, and the root after. */
  readonly before: Tree;
  readonly blank: Tree;
  readonly after: Tree;
  /** What is seen at a path once all is mounted and put in its place. */
  readonly seen: (path: string) => Seen | undefined;
}

/** What was predicted wrongly, a line each. */
export function mispredicted(all: readonly Predicted[], done: RolledBack): string[] {
  const faults = all.flatMap((one) => {
    const fault = faultOf(one, done);
    return fault === undefined ? [] : [`${JSON.stringify(one)}: ${fault}`];
  });
  return [...faults, ...unpredicted(all, done)];
}

function faultOf({ path, status, fate, reason }: Predicted, done: RolledBack): string | undefined {
  const { before, blank, after, seen } = done;
  if (after.get(path)?.whole !== blank.get(path)?.whole && path !== "") {
    return "the new root is not as the blank one there";
  }
  if (status === "A" && after.has(path)) return "it was new, and is in the new root";
  const now = seen(path);
  switch (fate) {
    case "restored":
      // What is persisted there may lie over it.
      return after.has(path) ? undefined : "it did not come back";
    case "kept":
      return keptFault(now, before.get(path), reason);
    default:
      return isAsItWas(now, before.get(path), status) ? "it is there as it was" : undefined;
  }
}

/** Of a change of metadata alone, the count of links or ctime may be all. */
function isAsItWas(now: Seen | undefined, was: Seen | undefined, status: string): boolean {
  if (now === undefined || was === undefined) return false;
  return status === "m" ? now.exact === was.exact : now.whole === was.whole;
}

/** Trees that differ in nothing but ctime, which a rename of their top changes, are alike. */
export function linesOf(tree: Tree): string[] {
  return Array.from(tree, ([path, { whole }]) => `${JSON.stringify(path)} ${whole}`).sort();
}

/** A mount point is only a place; of all else a copy must be there that is equal but for its time. */
function keptFault(
  now: Seen | undefined,
  was: Seen | undefined,
  reason: string,
): string | undefined {
  if (now === undefined) return "it is not there";
  if (reason === "listed and copied" && now.timeless !== was?.timeless)
    return "it is not as it was";
  return undefined;
}

/** Paths that nothing was said of, and which are not as they were. */
function unpredicted(all: readonly Predicted[], { before, after }: RolledBack): string[] {
  const said = new Set(all.map(({ path }) => path));
  const paths = new Set([...before.keys(), ...after.keys()]);
  return [...paths]
    .filter((path) => {
      const [was, is] = [before.get(path), after.get(path)];
      // A directory's time follows from its entries, and the top's is the rollback's own.
      const isAlike =
        was?.type === "directory" ? was.timeless === is?.timeless : was?.whole === is?.whole;
      return !said.has(path) && !isAlike && !isStubAndDirectory(was, is);
    })
    .map((path) => `${JSON.stringify(path)}: nothing was said of it, and it is not as it was`);
}

/** Nothing tells a stub from an empty directory that was made in its place. */
function isStubAndDirectory(was: Seen | undefined, is: Seen | undefined): boolean {
  return [was, is].includes(STUB_SEEN) && was?.type === is?.type;
}
