/**
 * What zod found, in words: where, what is there, what was expected.
 *
 * zod's own words speak of JavaScript ("expected object, received undefined") and
 * name no neighbour of a mistyped key, so they are written anew. What is below
 * `users` is never repeated: a password or a private key may stand there by mistake.
 */
import { z } from "zod";
import { nearest } from "../nearest.ts";
import type { KeyPath, ProfileFault } from "./fault.ts";

type Issue = z.core.$ZodIssue;
type JsonSchema = z.core.JSONSchema.BaseSchema;

const SHOWN_CHARACTERS = 80;

/** @param value what was checked, for a look at what is there */
export function faultsOfIssues(
  issues: readonly Issue[],
  value: unknown,
  schema: z.ZodType,
): ProfileFault[] {
  const json = z.toJSONSchema(schema, { io: "input" });
  return issues.flatMap((issue) => describeIssue(issue, [], value, json));
}

function describeIssue(
  issue: Issue,
  prefix: KeyPath,
  value: unknown,
  json: JsonSchema,
): ProfileFault[] {
  const path = [...prefix, ...(issue.path as (string | number)[])];
  if (issue.code === "invalid_union") {
    return likeliest(issue.errors).flatMap((inner) => describeIssue(inner, path, value, json));
  }
  if (issue.code === "unrecognized_keys") {
    const keys = issue.keys.filter((key) => key !== "__proto__");
    return keys.map((key) => unknownKey([...path, key], json));
  }
  const found = valueAt(value, path);
  if (found === undefined) return [{ path, message: `is missing, ${expectation(issue)}` }];
  return [{ path, message: `${shown(found, path, issue)}${expectation(issue)}` }];
}

/** Of a shorthand and its long form: the one that was meant is not wrong at its very top. */
function likeliest(branches: readonly (readonly Issue[])[]): readonly Issue[] {
  const meant = branches.find(
    (issues) => !issues.some((issue) => issue.code === "invalid_type" && issue.path.length === 0),
  );
  if (meant !== undefined) return meant;
  const first = branches[0]?.[0];
  if (first === undefined) return [];
  return [{ ...first, code: "custom", message: "expected a string or a table" } as Issue];
}

function unknownKey(path: KeyPath, json: JsonSchema): ProfileFault {
  const known = keysAt(json, path.slice(0, -1));
  const near = nearest(String(path.at(-1)), known);
  const advice =
    near === undefined ? `expected one of ${known.join(", ")}` : `did you mean ${near}?`;
  return { path, message: `unknown key, ${advice}`, atKey: true };
}

/** The keys that the schema knows in the table at `path`. */
function keysAt(json: JsonSchema, path: KeyPath): string[] {
  let schemas = [json];
  for (const part of path) schemas = schemas.flatMap((schema) => schemasBelow(schema, part));
  return schemas.flatMap(alternatives).flatMap((schema) => Object.keys(schema.properties ?? {}));
}

function schemasBelow(schema: JsonSchema, part: string | number): JsonSchema[] {
  return alternatives(schema).flatMap((one) => {
    const properties = one.properties ?? {};
    const inner =
      typeof part === "number"
        ? one.items
        : Object.hasOwn(properties, part)
          ? properties[part]
          : one.additionalProperties;
    return typeof inner === "object" && !Array.isArray(inner) ? [inner as JsonSchema] : [];
  });
}

function alternatives(schema: JsonSchema): JsonSchema[] {
  return [schema, ...((schema.anyOf ?? []) as JsonSchema[])];
}

function valueAt(value: unknown, path: KeyPath): unknown {
  let here = value;
  for (const part of path) {
    if (typeof here !== "object" || here === null || !Object.hasOwn(here, part)) return undefined;
    here = (here as Record<string | number, unknown>)[part];
  }
  return here;
}

function shown(found: unknown, path: KeyPath, issue: Issue): string {
  if (issue.code === "invalid_type" || typeof found === "bigint") return `is ${kindOf(found)}, `;
  if (path[0] === "users" || typeof found === "object") return "";
  if (typeof found !== "string") return `is ${String(found)}, `;
  const text = JSON.stringify(found.slice(0, SHOWN_CHARACTERS));
  return `is ${found.length > SHOWN_CHARACTERS ? `${text.slice(0, -1)}…"` : text}, `;
}

function expectation(issue: Issue): string {
  switch (issue.code) {
    case "invalid_type":
      return `expected ${kindNames.get(issue.expected) ?? issue.expected}`;
    case "invalid_value":
      return `expected ${issue.values.map((value) => JSON.stringify(value)).join(" or ")}`;
    case "too_small":
      return `expected at least ${issue.minimum}`;
    case "too_big":
      return `expected at most ${issue.maximum}`;
    default:
      return issue.message;
  }
}

const kindNames: ReadonlyMap<string, string> = new Map([
  ["object", "a table"],
  ["record", "a table"],
  ["array", "a list"],
  ["string", "a string"],
  ["boolean", "true or false"],
  ["int", "a whole number"],
  ["number", "a whole number"],
]);

function kindOf(value: unknown): string {
  if (Array.isArray(value)) return "a list";
  if (value instanceof Date) return "a date";
  if (typeof value === "bigint") return "a number beyond all that could be meant";
  if (typeof value === "object") return "a table";
  if (typeof value === "number") return `the number ${value}`;
  return `a ${typeof value}`;
}
