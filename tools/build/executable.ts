/** From sources to the two forms of one architecture's executable. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, LIBRARIES } from "./architectures.ts";
import { bundle } from "./bundle.ts";
import { packCompressed } from "./compressed.ts";
import { ElfFault, parseElf } from "./elf.ts";
import { type InPlace, packInPlace } from "./in-place.ts";
import { compileLauncher, compileStub } from "./native.ts";
import { fetchPackage } from "./npm.ts";

export interface Executable {
  readonly inPlace: Uint8Array;
  readonly compressed: Uint8Array;
}

export interface MakeOptions {
  /** An empty one, for what is made on the way. */
  readonly folder: string;
  /** Shown by `--version`. */
  readonly commit: string;
  /** Scripts to carry; blankroot's own unless given. */
  readonly entries?: readonly string[];
}

export async function makeExecutable(
  architecture: Architecture,
  options: MakeOptions & { readonly level: number },
): Promise<Executable> {
  const inPlace = makeInPlace(architecture, options);
  const launcher = compileLauncher(architecture, options.folder);
  const compressed = await packCompressed(inPlace, {
    machine: architecture.name,
    level: options.level,
    launcher,
  });
  return { inPlace: inPlace.bytes, compressed };
}

/** The uncompressed form alone. */
export function makeInPlace(architecture: Architecture, options: MakeOptions): InPlace {
  const { folder, commit, entries } = options;
  const elf = (bytes: Uint8Array, name: string) => {
    const parsed = parseElf(bytes, name);
    if (parsed.machine === architecture.machine) return parsed;
    throw new ElfFault(`Cannot pack ${name}: it is not for ${architecture.name}`);
  };
  const program = bundle(join(folder, "blankroot"), {
    target: architecture.target,
    runtime: join(fetchPackage(architecture.bun), "bin/bun"),
    commit,
    ...(entries === undefined ? {} : { entries }),
  });
  const library = (name: string) => readFileSync(join(architecture.libraryFolder, name));
  return packInPlace({
    program: elf(program, "the bundle"),
    stub: elf(compileStub(architecture, folder), "the stub"),
    loader: elf(library(architecture.loader), architecture.loader),
    libraries: LIBRARIES.map((name) => ({ name, bytes: elf(library(name), name).bytes })),
  });
}
