/** A module of NixOS as text: a function of arguments, bindings, and attributes. */
import { indented, NixSet, renderAttributes, renderNix } from "./text.ts";

export interface ModuleParts {
  /** Lines of comment above it. */
  readonly head: readonly string[];
  readonly arguments: readonly string[];
  readonly bindings: NixSet["attributes"];
  readonly attributes: NixSet["attributes"];
}

export function renderModule(parts: ModuleParts): string {
  const lets = renderAttributes(parts.bindings).map(indented);
  return [
    ...parts.head,
    ...functionHead(parts.arguments),
    "",
    ...(lets.length === 0 ? [] : ["let", ...lets, "in"]),
    renderNix(new NixSet(parts.attributes)),
    "",
  ].join("\n");
}

function functionHead(names: readonly string[]): string[] {
  if (names.length === 0) return ["{ ... }:"];
  return ["{", ...names.map((name) => `  ${name},`), "  ...", "}:"];
}
