/**
 * What persist-copy --json prints, as a schema: of each line while it copies, and of
 * the plan with --dry-run. Stands here and not beside what prints it, because
 * persist-copy starts without zod.
 */
import { z } from "zod";

const TYPES = ["file", "directory", "symlink", "fifo", "socket", "character", "block"] as const;
const path = {
  path: z.string().describe("Absolute; bytes that are not UTF-8 are U+FFFD"),
  path_bytes: z.base64().optional().describe("The path's bytes, where they are not UTF-8"),
};
const reason = z.string().describe("Why, in words");
const bytes = z.int().min(0).describe("Bytes of the files that were copied");
const count = z.int().min(0).describe("Paths");

const deed = z
  .strictObject({
    action: z.enum([
      "make-directory",
      "copy-file",
      "link",
      "make-symlink",
      "make-node",
      "remove-leftover",
      "set-metadata",
      "set-times",
      "set-flags",
    ]),
    ...path,
    type: z.enum(TYPES),
    size: z.int().min(0).describe("Bytes"),
    mode: z
      .string()
      .regex(/^[0-7]{4}$/)
      .describe("Permissions in octal"),
    uid: z.int().min(0),
    gid: z.int().min(0),
    replaces: z.boolean().describe("Something is there already"),
    link_to: z.strictObject(path).optional().describe("Of a hard link: its other name"),
  })
  .describe("What is done with a path, told once it is in its place");

const told = (action: string, description: string) =>
  z.strictObject({ action: z.literal(action), ...path, reason }).describe(description);

const source = z
  .strictObject({
    action: z.literal("source"),
    frozen: z
      .boolean()
      .describe("Copied from a snapshot: all files of a subvolume are of one instant"),
    reason: reason.optional().describe("Why not"),
    subvolumes: z
      .array(z.strictObject({ ...path, frozen: z.boolean().describe("It has a snapshot") }))
      .optional()
      .describe(
        "Of a snapshot: what is nested in it, each of an instant of its own, moments later",
      ),
  })
  .describe("The first line of a run");

const note = z
  .strictObject({ action: z.literal("note"), text: z.string() })
  .describe("What stderr warns of before anything is copied");

const equal = z
  .strictObject({ action: z.literal("equal"), ...path })
  .describe("There already, and equal");

const writer = z.strictObject({
  ...path,
  pid: z.int().min(1),
  program: z.string().describe("The name that the process gives itself"),
  unit: z.string().nullable().describe("Of systemd; null where it belongs to none"),
});

const inUse = z
  .strictObject({ action: z.literal("in-use"), ...writer.shape })
  .describe("A file that a process has open for writing");

const summary = z
  .strictObject({
    action: z.literal("summary"),
    done: count,
    equal: count,
    skipped: count,
    left_out: count,
    verified: count.nullable().describe("Read back and right; null without --verify"),
    bytes,
  })
  .describe("The last line of a run that was not cut short");

const failed = z
  .strictObject({ action: z.literal("failed"), done: count, left_out: count, reason })
  .describe("The last line of a run that was cut short: what was not told is not done");

/** One line of a run. */
export const copyLine = z.union([
  source,
  note,
  equal,
  told("skip", "Left alone on purpose"),
  inUse,
  deed,
  told("left-out", "What has no copy, or no new one: the exit status is 4"),
  told("not-verified", "With --verify: a copy that is not as its original"),
  told(
    "written-since",
    "Changed, gone or new since the snapshot was taken, and not so in the copy; a new directory stands for all in it",
  ),
  summary,
  failed,
]);

/** Of a plan to copy, whatever copies. */
export const planned = {
  actions: z.array(deed),
  equal: z.array(z.strictObject(path)),
  skipped: z.array(z.strictObject({ ...path, reason })),
  left_out: z
    .array(z.strictObject({ ...path, reason }))
    .describe("What the disk doesn't give: the run that carries this out ends with 4"),
  in_use: z.array(writer).describe("Who has one of the files open for writing"),
  notes: z.array(z.string()),
};

const entries = z.array(
  z.strictObject({
    path: z.string(),
    user: z.string().optional(),
    group: z.string().optional(),
    mode: z.string().optional(),
  }),
);

export const copyPlan = z
  .strictObject({
    version: z.literal(1),
    script: z.literal("persist-copy"),
    persist: z.string().describe("The persist root"),
    ...planned,
    additions: z
      .strictObject({ directories: entries, files: entries })
      .optional()
      .describe("With --add: what goes into the profile's lists"),
  })
  .describe("With --dry-run");

export const staleLine = z
  .strictObject({
    kind: z.literal("stale"),
    ...path,
    type: z.enum([...TYPES, "subvolume"]),
    count: z.int().min(0).describe("Paths, of a directory with all beneath it"),
    bytes: z.int().min(0).describe("Of files, likewise"),
    mtime: z.string().describe("The newest of them, in ISO 8601 with nanoseconds"),
    place: z.strictObject(path).describe("The path on the running system"),
  })
  .describe("With --stale: what is in the persist root and in no list");

export const missingLine = z
  .strictObject({
    kind: z.literal("missing"),
    path: z.string().describe("As the profile has it"),
    list: z.enum(["directories", "files"]),
    in_root: z.boolean().nullable().describe("Whether a copy would save it; null for no root"),
  })
  .describe("With --missing: what is listed and not in the persist root");

export function renderCopySchema(): string {
  const schema = z.toJSONSchema(z.union([copyLine, copyPlan, staleLine, missingLine]), {
    target: "draft-2020-12",
  });
  const head = { $schema: schema.$schema, title: "A line of persist-copy --json" };
  return `${JSON.stringify({ ...head, ...schema }, undefined, 2)}\n`;
}
