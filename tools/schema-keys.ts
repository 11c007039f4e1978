/** The keys of a JSON Schema, in the order of their declaration; `*` stands for a name of one's own. */
import type { z } from "zod";

export type JsonSchema = z.core.JSONSchema.BaseSchema;

export interface SchemaKey {
  /** As in TOML: `btrfs`, `subvolumes`, `*`, `mount`. */
  readonly path: readonly string[];
  readonly schema: JsonSchema;
}

export function schemaKeys(schema: JsonSchema, path: readonly string[] = []): SchemaKey[] {
  const keys: SchemaKey[] = [];
  for (const [name, inner] of Object.entries(schema.properties ?? {})) {
    keys.push(...keyAndBelow([...path, name], inner as JsonSchema));
  }
  if (typeof schema.additionalProperties === "object") {
    keys.push(...keyAndBelow([...path, "*"], schema.additionalProperties as JsonSchema));
  }
  for (const inner of (schema.anyOf ?? []) as JsonSchema[]) keys.push(...schemaKeys(inner, path));
  if (typeof schema.items === "object" && !Array.isArray(schema.items)) {
    keys.push(...schemaKeys(schema.items as JsonSchema, path));
  }
  return keys;
}

function keyAndBelow(path: readonly string[], schema: JsonSchema): SchemaKey[] {
  return [{ path, schema }, ...schemaKeys(schema, path)];
}
