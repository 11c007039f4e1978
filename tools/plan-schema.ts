/**
 * What --dry-run --json prints of a plan (lib/plan.ts), as a schema: of format-disk,
 * make-subvols, mount-subvols, rollback and old-roots prune.
 */
import { z } from "zod";

const word = z
  .union([
    z.string(),
    z.strictObject({ partition: z.int().min(1) }).describe("The node of a partition that it makes"),
    z.strictObject({ top: z.string() }).describe("A path below the top of topOf"),
  ])
  .describe("Of a command: text, or what has its name only when the plan runs");
const argv = z.array(word).min(1);
const why = z.string().describe("Why, in words");

const check = z
  .strictObject({
    what: z.string().describe("A noun phrase"),
    argv,
    accept: z
      .array(z.int().min(0))
      .optional()
      .describe("Statuses that are no failure; else 0 alone"),
    expected: z.string().describe("What the program must print, without newlines at the end"),
  })
  .describe("What must be so, or nothing goes on");

const command = z.strictObject({
  kind: z.literal("command"),
  why,
  argv,
  runs: z.array(z.string()).optional().describe("Programs that it runs besides its first word"),
  stdin: z.string().optional(),
  saveTo: z.string().optional().describe("A new file for what it prints, mode 0600"),
});

const awaitPartitions = z
  .strictObject({
    kind: z.literal("await-partitions"),
    why,
    kernelName: z.string().describe("Of the disk"),
    partitions: z.array(
      z.strictObject({
        number: z.int().min(1),
        startBytes: z.int().min(0),
        sizeBytes: z.int().min(1),
      }),
    ),
    timeoutMs: z.int().min(0),
  })
  .describe("Waits until the kernel shows the partitions");

const deleteSubvolume = z
  .strictObject({ kind: z.literal("delete-subvolume"), why, id: z.int().min(256) })
  .describe("Deletes a subvolume of topOf by its id");

export const plan = z.strictObject({
  version: z.literal(1),
  script: z.string().describe("That made it"),
  summary: z.string().describe("What it does, in one sentence"),
  profileFile: z.string(),
  notes: z.array(z.string()).describe("What to know before agreeing"),
  checks: z.array(check).describe("Run again just before the first step"),
  topOf: z.string().optional().describe("The device of the file system that paths of top are in"),
  steps: z.array(
    z.union([
      command,
      z.strictObject({ kind: z.literal("check"), why, check }),
      awaitPartitions,
      deleteSubvolume,
    ]),
  ),
});

export function renderPlanSchema(): string {
  const schema = z.toJSONSchema(plan, { target: "draft-2020-12" });
  const head = { $schema: schema.$schema, title: "A plan, with --dry-run --json" };
  return `${JSON.stringify({ ...head, ...schema }, undefined, 2)}\n`;
}
