/** A guard of the generated module: what it binds by `let`, asserts, and warns of. */
import { type Attribute, Expression } from "./text.ts";

export interface Assertion {
  readonly holds: Expression;
  readonly message: Expression;
}

export interface Guard {
  readonly bindings?: readonly Attribute[];
  readonly assertions?: readonly Assertion[];
  readonly warnings?: readonly Assertion[];
}

/**
 * What doesn't hold, in words without a full stop. They may hold antiquotations of
 * ours; what is a profile's comes in by insideString().
 */
export function guarded(holds: string | Expression, message: string): Assertion {
  return {
    holds: holds instanceof Expression ? holds : new Expression(holds),
    message: new Expression(`"blankroot: ${message}."`),
  };
}
