/**
 * What fs-diff --json prints, as a schema: of each line of a listing, and of the
 * one line of --stat and --tree. Stands here and not beside what prints it,
 * because fs-diff starts without zod.
 */
import { z } from "zod";

const count = z.int().min(0).describe("Paths");
/** Whole, and perhaps beyond 2^53: all digits are printed, and z.int() would have none of it. */
const large = z.number().min(0).refine(Number.isInteger).meta({ type: "integer" });
const bytes = large.describe(
  "Bytes of regular files; one with several names counts once for all of them",
);
const status = z
  .enum(["A", "M", "m", "T", "D"])
  .describe("A added, M content changed, m metadata changed, T type changed, D gone");
const fate = z
  .enum(["lost", "kept", "managed", "ignored", "restored"])
  .describe("What the next boot makes of it");
export const type = z.enum([
  "file",
  "directory",
  "symlink",
  "fifo",
  "socket",
  "character",
  "block",
  "subvolume",
]);
export const path = {
  path: z.string().describe("Absolute; bytes that are not UTF-8 are U+FFFD"),
  path_bytes: z.base64().optional().describe("The path's bytes, where they are not UTF-8"),
};

export const inode = {
  size: large.describe("Bytes, exactly: up to 2^63 - 1, where a reader of doubles rounds"),
  mode: z
    .string()
    .regex(/^[0-7]{4}$/)
    .describe("Permissions in octal"),
  uid: z.int().min(0),
  gid: z.int().min(0),
  mtime: z
    .string()
    .describe("RFC 3339 in UTC to the nanosecond; @SECONDS where no calendar has the time"),
};

const entry = z
  .strictObject({
    ...path,
    status,
    type,
    fate,
    reason: z.string().describe("Why, in words"),
    ...inode,
  })
  .describe("A path that differs");

const whole = z
  .strictObject({
    ...path,
    status: z.literal("A"),
    type: z.literal("directory"),
    fate: z.literal("lost"),
    collapsed: z.literal(true),
    count,
    bytes,
  })
  .describe("With --collapse: a directory, with a / at its end, that stands for its content");

const sum = z.strictObject({ count, bytes });
const stat = z
  .strictObject({
    kind: z.literal("stat"),
    fates: z.record(fate, sum),
    statuses: z.record(status, sum),
    types: z.record(type, sum),
  })
  .describe("With --stat");

interface Node {
  readonly path: string;
  readonly count: number;
  readonly bytes: number;
  readonly children: readonly Node[];
}
const children = z
  .array(z.lazy((): z.ZodType<Node> => node))
  .describe("Directories, the largest first");
const node = z.strictObject({ ...path, count, bytes, children });
const tree = z
  .strictObject({ kind: z.literal("tree"), ...node.shape })
  .describe("With --tree: the top, and the directories below it");

const walk = z
  .strictObject({
    kind: z.literal("walk"),
    blind: z.array(z.string()).describe("What was not seen, a sentence each"),
  })
  .describe("The last line where mounted files were walked, for want of rights or of btrfs");

/** One line of output. */
export const diffLine = z.union([entry, whole, stat, tree, walk]);

export function renderDiffSchema(): string {
  const schema = z.toJSONSchema(diffLine, { target: "draft-2020-12" });
  const head = {
    $schema: schema.$schema,
    title: "A line of fs-diff --json",
  };
  return `${JSON.stringify({ ...head, ...schema }, undefined, 2)}\n`;
}
