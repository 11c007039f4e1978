/** The programs that are measured: the executable in its forms, one that does nothing, and three in C. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { ARCHITECTURES } from "../tools/build/architectures.ts";
import { bundle } from "../tools/build/bundle.ts";
import { exec } from "../tools/build/exec.ts";
import { fetchPackage } from "../tools/build/npm.ts";

const BUILD = join(import.meta.dir, "../tools/build/build.ts");
const C_FLAGS = ["-O2", "-Wall", "-Wextra"];

/** Paths. */
export interface Built {
  /** As it is downloaded. */
  readonly compressed: string;
  readonly inPlace: string;
  /** What `bun build --compile` makes of the same scripts. */
  readonly bare: string;
  /** The same of a program that does nothing. */
  readonly empty: string;
  /** In C: all inodes of a subvolume; those written since. */
  readonly walk: string;
  readonly scan: string;
  /** The same calls as a copy that shares content. */
  readonly copy: string;
}

export function build(folder: string): Built {
  const architecture = ARCHITECTURES.find(({ name }) => name === NAMES[process.arch])!;
  const output = join(folder, "dist");
  mkdirSync(output);
  exec([process.execPath, BUILD, "--in-place", "--output", output, architecture.name]);
  const compressed = join(output, `blankroot-${architecture.name}-linux`);
  const source = join(folder, "empty.ts");
  writeFileSync(source, "process.exit(0);\n");
  const options = {
    target: architecture.target,
    runtime: join(fetchPackage(architecture.bun), "bin/bun"),
    commit: "bench",
  };
  const bare = join(folder, "bare");
  const empty = join(folder, "empty");
  bundle(bare, options);
  bundle(empty, { ...options, entries: [source] });
  const [walk, scan, copy] = ["walk", "scan", "copy"].map((name) => {
    const program = join(folder, name);
    exec(["gcc", ...C_FLAGS, "-o", program, join(import.meta.dir, "c", `${name}.c`)]);
    return program;
  });
  return {
    compressed,
    inPlace: `${compressed}-in-place`,
    bare,
    empty,
    walk: walk!,
    scan: scan!,
    copy: copy!,
  };
}

const NAMES: Readonly<Record<string, string>> = { x64: "x86_64", arm64: "aarch64" };
