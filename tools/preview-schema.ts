/** What rollback-preview --json prints, as a schema; beside the tools, as the others are. */
import { z } from "zod";
import { OWNER_KINDS } from "../lib/losses/places.ts";
import { STEP_KINDS } from "../lib/plans/preview-steps.ts";
import { WARNING_KINDS } from "../lib/plans/preview-warnings.ts";

/** Whole, and perhaps beyond 2^53: all digits are printed, and z.int() would have none of it. */
const large = z.number().min(0).refine(Number.isInteger).meta({ type: "integer" });
const bytes = large.describe("Bytes; a file with several names counts once for all");
const files = z.int().min(0).describe("Files as fs-diff lists them: no directories, no sockets");
const count = z.strictObject({ files, bytes });
const path = z.strictObject({
  path: z.string().describe("Absolute, or a name; bytes that are not UTF-8 are U+FFFD"),
  path_bytes: z.base64().optional().describe("The bytes, where they are not UTF-8"),
});

const step = z
  .strictObject({
    kind: z.enum(STEP_KINDS),
    text: z.string().describe("A sentence without a full stop, which the names follow"),
    names: z.array(z.string()),
  })
  .describe("What the boot does, in order");

const group = z
  .strictObject({
    kind: z.enum(OWNER_KINDS),
    name: z.string().describe("Of the service or the user; else the directory"),
    places: z.array(path).describe("Directories that hold all of it"),
    files,
    bytes,
    newest: z
      .strictObject({ ...path.shape, age_seconds: z.int().min(0) })
      .nullable()
      .describe("What was changed last; null where all is of a time to come"),
    changed_within_the_hour: count.describe("Probably what somebody is working on"),
    of_a_time_to_come: files.describe("Files whose time is later than the clock's"),
  })
  .describe("What is lost, by whom it belongs to, the largest first");

export const preview = z
  .strictObject({
    verdict: z.string().describe("One sentence without a full stop"),
    time: z.iso.datetime().describe("What ages are counted from"),
    swap: z
      .enum(["done", "none", "kept", "impossible"])
      .describe("none: nothing was written to the root. kept: the kernel's command line asks"),
    device: z.string().describe("Of the file system"),
    root: z.string(),
    blank: z.string(),
    on_failure: z.enum(["boot", "stop"]),
    steps: z.array(step),
    set_aside: z
      .strictObject({
        as: z.string().describe("The time and the boot's id are known to that boot alone"),
        kept: z.boolean(),
        nested: z.array(path).describe("Subvolumes that go with the root"),
      })
      .nullable()
      .describe("null where no root is set aside"),
    counts: z.strictObject({
      lost: count,
      kept: count,
      managed: count,
      ignored: count,
      restored: count,
    }),
    lost_though_listed: files.describe("Lost files that the profile lists"),
    groups: z.array(group),
    largest_losses: z.array(z.strictObject({ ...path.shape, files, bytes })),
    lost_first: z.array(path).describe("The first lost files; fs-diff lists all"),
    keep: z.strictObject({ days: z.int().min(0), at_least: z.int().min(0) }),
    pruned: z.array(path).describe("Old roots that the rollback deletes"),
    outdated: z.array(path).describe("Old roots that the daily pruning deletes"),
    freed: z
      .strictObject({ bytes: large, method: z.enum(["qgroups", "backrefs"]) })
      .nullable()
      .describe("What deleting them frees: what nothing that stays refers to; null where none is"),
    warnings: z.array(z.strictObject({ kind: z.enum(WARNING_KINDS), text: z.string() })),
  })
  .describe("What the next boot does and takes");

export function renderPreviewSchema(): string {
  const schema = z.toJSONSchema(preview, { target: "draft-2020-12" });
  const head = { $schema: schema.$schema, title: "The output of rollback-preview --json" };
  return `${JSON.stringify({ ...head, ...schema }, undefined, 2)}\n`;
}
