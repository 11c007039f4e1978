/** Parameters of a shell text that never changes: variables to be set ahead of it. */
import { Refusal } from "../fault.ts";
import { hasControls } from "../profile/paths.ts";
import { shellQuote, visible } from "../text.ts";

/**
 * Assignments, a line each, of variables named `blankroot_…`.
 *
 * @param text what is written, for the error: "the rollback"
 * @throws Refusal for a value with control characters
 */
export function shellParameters(text: string, values: Readonly<Record<string, string>>): string {
  return Object.entries(values)
    .map(([name, value]) => `blankroot_${name}=${quoted(text, name, value)}\n`)
    .join("");
}

function quoted(text: string, name: string, value: string): string {
  if (!hasControls(value)) return shellQuote(value);
  throw new Refusal(
    `Cannot write ${text}: ${name} is "${visible(value)}", expected no control characters`,
  );
}
