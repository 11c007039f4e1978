/** The executable as `npm run build` makes it, but for the level of compression. */
import { join } from "node:path";
import { sh } from "./disk.ts";

export interface Built {
  readonly compressed: string;
  readonly inPlace: string;
}

type Architecture = "x86_64" | "aarch64";

const BUILD = join(import.meta.dir, "../../tools/build/build.ts");
/** Made anew by each run of the tests. */
const DIR = join(import.meta.dir, "../../node_modules/.cache/blankroot/built");
// Each test file has its own modules, and all are one process: it is built once for them.
const KEY = Symbol.for("blankroot.test.executables");
const shared = globalThis as { [KEY]?: Map<Architecture, Built> };

export function builtExecutable(architecture: Architecture = "x86_64"): Built {
  shared[KEY] ??= new Map();
  const known = shared[KEY].get(architecture);
  if (known !== undefined) return known;
  sh([process.execPath, BUILD, "--quick", "--in-place", "--output", DIR, architecture]);
  const compressed = join(DIR, `blankroot-${architecture}-linux`);
  const built = { compressed, inPlace: `${compressed}-in-place` };
  shared[KEY].set(architecture, built);
  return built;
}
