/** What a script declares of its flags; parsing, help, man page and completions come from it. */

export interface Arg {
  readonly type: "boolean" | "string" | "enum";
  readonly description: string;
  /** One letter. */
  readonly alias?: string;
  /** As in the usage line, such as `FILE`. */
  readonly valueHint?: string;
  /** Of an enum: what may be given. */
  readonly options?: readonly string[];
}

/** By name, without the dashes. */
export type ArgsDef = Readonly<Record<string, Arg>>;

/** What was given on a command line. */
export type ParsedArgs<A extends ArgsDef> = {
  readonly [Name in keyof A]?: A[Name]["type"] extends "boolean"
    ? true
    : A[Name] extends { readonly options: readonly (infer Option)[] }
      ? Option
      : string;
};
