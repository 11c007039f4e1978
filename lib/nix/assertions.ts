/**
 * What would go wrong without a word, as errors of evaluation: all of it holds for the
 * module by itself, and ceases to by what another file of the configuration says.
 */
import type { Profile } from "../profile.ts";
import { clashGuards } from "./clashes.ts";
import type { DiskFacts } from "./disk-names.ts";
import type { Guard } from "./guard.ts";
import { lockOutGuards } from "./lock-outs.ts";
import { type Attribute, attribute, Expression, indented, NixSet } from "./text.ts";

export function guardsOf(profile: Profile, facts: DiskFacts): Guard[] {
  return [...clashGuards(profile, facts), ...lockOutGuards(profile)];
}

/** What `let` binds for them. */
export function guardBindings(guards: readonly Guard[]): Attribute[] {
  return guards.flatMap(({ bindings = [] }) => bindings);
}

export function assertionAttributes(guards: readonly Guard[]): Attribute[] {
  const values = guards
    .flatMap(({ assertions = [] }) => assertions)
    .map(
      ({ holds, message }) =>
        new NixSet([attribute("assertion", holds), attribute("message", message)]),
    );
  return [attribute("assertions", values)];
}

/** @returns nothing where there is nothing to warn of, whatever other files say */
export function warningAttributes(guards: readonly Guard[]): Attribute[] {
  const warnings = guards
    .flatMap(({ warnings: own = [] }) => own)
    .map(({ holds, message }) => `lib.optional ${negation(holds)} ${message.text}`);
  const [only] = warnings;
  if (only === undefined) return [];
  const lines = warnings.map((each, index) => indented(index === 0 ? each : `++ ${each}`));
  return [attribute("warnings", new Expression(["(", ...lines, ")"].join("\n")))];
}

function negation({ text }: Expression): string {
  return text.startsWith("!") ? text.slice(1) : `(!${text})`;
}
