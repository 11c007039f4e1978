/** A plan as JSON, for programs: the value itself, under a version of its shape. */
import type { Plan } from "./plan.ts";

export function toJson(plan: Plan): string {
  return JSON.stringify({ version: 1, ...plan }, null, 2);
}
