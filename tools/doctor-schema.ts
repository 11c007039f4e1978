/** What doctor --json prints, as a schema; beside the tools, for doctor starts without zod. */
import { z } from "zod";
import { FINDING_NAMES, STATES } from "../lib/doctor/finding.ts";

const check = z
  .strictObject({
    name: z.enum(FINDING_NAMES).describe("What was checked; password is there once a user"),
    state: z.enum(STATES).describe("unknown: it can't be told, which is not taken for right"),
    text: z.string().describe("What is, a sentence without a full stop"),
    advice: z.string().nullable().describe("What to do; null where nothing is"),
  })
  .describe("A check; those that don't concern the machine are left out");

export const examination = z
  .strictObject({
    sound: z.boolean().describe("All checks are ok: the exit status is 0"),
    dir: z.string().describe("Where the examined system is: /, or the target"),
    device: z.string().nullable().describe("Of its file system; null where it can't be looked at"),
    checks: z.array(check),
  })
  .describe("The examination of a system");

export function renderDoctorSchema(): string {
  const schema = z.toJSONSchema(examination, { target: "draft-2020-12" });
  const head = { $schema: schema.$schema, title: "The output of doctor --json" };
  return `${JSON.stringify({ ...head, ...schema }, undefined, 2)}\n`;
}
