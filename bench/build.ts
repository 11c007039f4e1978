/** The programs that are measured: the bundled executable, one that does nothing, and two in C. */
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../test/support/disk.ts";

const PROJECT = join(import.meta.dir, "..");

/** @returns the folder, with blankroot, empty, walk and scan in it */
export function build(folder: string): string {
  const empty = join(folder, "empty.ts");
  writeFileSync(empty, "process.exit(0);\n");
  const scripts = ["main", "fs-diff-helper"].map((name) => join(PROJECT, "scripts", `${name}.ts`));
  compile(scripts, join(folder, "blankroot"));
  compile([empty], join(folder, "empty"));
  for (const name of ["walk", "scan"]) {
    sh([
      "gcc",
      "-O2",
      "-Wall",
      "-Wextra",
      "-o",
      join(folder, name),
      join(import.meta.dir, "c", `${name}.c`),
    ]);
  }
  return folder;
}

/** Each script is a chunk of its own, so that fs-diff doesn't wait for format-disk's. */
function compile(entries: readonly string[], output: string): void {
  const flags = ["--compile", "--bytecode", "--minify", "--format=esm", "--splitting"];
  sh([process.execPath, "build", ...flags, ...entries, "--outfile", output]);
}
