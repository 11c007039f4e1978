/** From sources to the two forms of one architecture's executable. */
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type Architecture, LIBRARIES } from "./architectures.ts";
import { bundle } from "./bundle.ts";
import { packCompressed } from "./compressed.ts";
import { ElfFault, parseElf } from "./elf.ts";
import { packInPlace } from "./in-place.ts";
import { compileLauncher, compileStub } from "./native.ts";
import { fetchPackage } from "./npm.ts";

export interface Executable {
  readonly inPlace: Uint8Array;
  readonly compressed: Uint8Array;
}

/** @param folder an empty one, for what is made on the way */
export async function makeExecutable(
  architecture: Architecture,
  options: { folder: string; commit: string; level: number },
): Promise<Executable> {
  const { folder, commit, level } = options;
  const elf = (bytes: Uint8Array, name: string) => {
    const parsed = parseElf(bytes, name);
    if (parsed.machine === architecture.machine) return parsed;
    throw new ElfFault(`Cannot pack ${name}: it is not for ${architecture.name}`);
  };
  const runtime = join(fetchPackage(architecture.bun), "bin/bun");
  const program = bundle(join(folder, "blankroot"), {
    target: architecture.target,
    runtime,
    commit,
  });
  const library = (name: string) => readFileSync(join(architecture.libraryFolder, name));
  const inPlace = packInPlace({
    program: elf(program, "the bundle"),
    stub: elf(compileStub(architecture, folder), "the stub"),
    loader: elf(library(architecture.loader), architecture.loader),
    libraries: LIBRARIES.map((name) => ({ name, bytes: elf(library(name), name).bytes })),
  });
  const launcher = compileLauncher(architecture, folder);
  const compressed = await packCompressed(inPlace, { machine: architecture.name, level, launcher });
  return { inPlace: inPlace.bytes, compressed };
}
