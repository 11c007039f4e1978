/** The scripts as a Bun executable: what `bun build --compile` makes, for any architecture. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { exec } from "./exec.ts";

const PROJECT = join(import.meta.dir, "../..");
/** All but the first are threads of their own. */
const ENTRIES = ["scripts/main.ts", "scripts/fs-diff-helper.ts", "scripts/persist-copy-helper.ts"];

/** Each script is a chunk of its own, so that fs-diff doesn't wait for format-disk's. */
const FLAGS = ["--compile", "--bytecode", "--minify", "--format=esm", "--splitting"];
/** Nothing in the current directory has a say. */
const NO_AUTOLOAD = ["bunfig", "dotenv", "tsconfig", "package-json"].map(
  (what) => `--no-compile-autoload-${what}`,
);

export interface BundleOptions {
  /** `bun build --target`; of this machine unless given. */
  readonly target?: string;
  /** The Bun that is carried; the one that runs unless given. */
  readonly runtime?: string;
  /** Shown by `--version`. */
  readonly commit?: string;
  readonly entries?: readonly string[];
}

/** @param output its last part is written into the executable */
export function bundle(output: string, options: BundleOptions = {}): Uint8Array {
  const { target, runtime, commit } = options;
  exec(
    [
      process.execPath,
      "build",
      ...FLAGS,
      ...NO_AUTOLOAD,
      ...(target === undefined ? [] : [`--target=${target}`]),
      ...(runtime === undefined ? [] : [`--compile-executable-path=${runtime}`]),
      ...(commit === undefined ? [] : ["--define", `BLANKROOT_COMMIT=${JSON.stringify(commit)}`]),
      ...(options.entries ?? ENTRIES),
      "--outfile",
      output,
    ],
    PROJECT,
  );
  return readFileSync(output);
}
