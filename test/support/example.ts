/** The profile of config.toml as a value, with parts replaced. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { readProfile } from "../../lib/profile/read.ts";
import type { Profile } from "../../lib/profile.ts";

type Parts = { [K in keyof Profile]?: Partial<Profile[K]> };

export function exampleProfile(parts: Parts = {}): Profile {
  const profile = readProfile(
    "config.toml",
    readFileSync(join(import.meta.dir, "../../config.toml")),
  );
  const merged: Record<string, unknown> = { ...profile };
  for (const [key, part] of Object.entries(parts)) {
    merged[key] = { ...(profile[key as keyof Profile] as object), ...(part as object) };
  }
  return merged as unknown as Profile;
}
