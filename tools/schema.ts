/** The profile's schema for editors: of what a person writes, not of what we make of it. */
import { z } from "zod";
import { profileSchema } from "../lib/profile.ts";

/** Draft 7 is what taplo, the usual language server of TOML, reads. */
export function renderSchema(): string {
  const schema = z.toJSONSchema(profileSchema, { io: "input", target: "draft-7" });
  return `${JSON.stringify(schema, null, 2)}\n`;
}
