/** What old-roots prints with --json, as a schema; beside the tools, for it starts without zod. */
import { z } from "zod";
import { DESTINATIONS } from "../lib/copy/destinations.ts";
import { PRESENCES } from "../lib/report/found.ts";
import { SPACE_METHODS } from "../lib/space-method.ts";
import { copyLine, planned } from "./copy-schema.ts";
import { inode, path, type } from "./diff-schema.ts";

const space = {
  bytes: z.int().min(0).describe("What it refers to, as large as it is on the disk"),
  exclusive: z
    .int()
    .min(0)
    .describe("Of these, what nothing else refers to: deleting it frees them"),
  method: z.enum(SPACE_METHODS).describe("Quota groups, or the references to each extent"),
};
export const oldRootList = z
  .strictObject({
    device: z.string(),
    directory: z.string().describe("Of the old roots, at the top of the file system"),
    size: z.int().min(0).describe("Of the file system, in bytes"),
    free: z.int().min(0),
    nearly_full: z.boolean(),
    roots: z
      .array(
        z.strictObject({
          name: z.string(),
          time: z.iso.datetime().describe("When it was set aside"),
          boot: z.string().describe("The id of the boot that set it aside"),
          ...space,
          due: z.boolean().describe("rollback.keep no longer asks for it"),
        }),
      )
      .describe("The newest first"),
    due: z
      .strictObject(space)
      .nullable()
      .describe("Of those that are due, taken together; null where none is"),
    others: z
      .array(z.strictObject({ ...path, reason: z.string().describe("Why it is no old root") }))
      .describe("What else is in the directory"),
  })
  .describe("What list prints");

export const changeLine = z
  .strictObject({
    ...path,
    status: z
      .enum(["A", "M", "m", "T", "D"])
      .describe("A came, M content changed, m metadata changed, T type changed, D went"),
    type,
    ...inode,
  })
  .describe("A line of diff: a path that differs");

const presence = z.enum(PRESENCES).describe("By type, size and time, of a link by its text");
export const foundLine = z
  .strictObject({
    root: z.string().describe("The old root that has it"),
    ...path,
    type,
    ...inode,
    live: presence,
    persist: presence.nullable().describe("null where there is no persist root"),
  })
  .describe("A line of find: a path that matches");

const leg = z
  .strictObject({
    action: z.literal("restore"),
    from: z.string().describe("The old root, below the top"),
    to: z.enum(DESTINATIONS).describe("Where the lines behind it copy to"),
  })
  .describe("Of restore: the lines behind it are as persist-copy prints them");

export const restoreLine = z.union([leg, copyLine]);

export const restorePlan = z
  .strictObject({
    version: z.literal(1),
    script: z.literal("old-roots restore"),
    from: z.string().describe("The old root, below the top"),
    copies: z.array(z.strictObject({ to: z.enum(DESTINATIONS), ...planned })),
  })
  .describe("What restore prints with --dry-run; prune prints a plan as plan.schema.json has it");

export function renderOldRootsSchema(): string {
  const schema = z.toJSONSchema(
    z.union([oldRootList, changeLine, foundLine, restorePlan, restoreLine]),
    {
      target: "draft-2020-12",
    },
  );
  const head = { $schema: schema.$schema, title: "The output of old-roots with --json" };
  return `${JSON.stringify({ ...head, ...schema }, undefined, 2)}\n`;
}
