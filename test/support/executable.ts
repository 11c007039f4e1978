/** The executable as `npm run build` makes it, but for the level of compression. */
import { rmSync } from "node:fs";
import { join } from "node:path";
import { sh } from "./disk.ts";

export interface Built {
  readonly compressed: string;
  readonly inPlace: string;
}

type Architecture = "x86_64" | "aarch64";

const BUILD = join(import.meta.dir, "../../tools/build/build.ts");
// Each test file has its own modules, and all are one process: it is built once for them.
const KEY = Symbol.for("blankroot.test.executables");
const shared = globalThis as { [KEY]?: Map<Architecture, Built> };

export function builtExecutable(architecture: Architecture = "x86_64"): Built {
  shared[KEY] ??= new Map();
  const known = shared[KEY].get(architecture);
  if (known !== undefined) return known;
  const dir = sh(["mktemp", "--directory", "--tmpdir", "blankroot-test-XXXXXX"]).trim();
  process.on("exit", () => rmSync(dir, { recursive: true, force: true }));
  sh([process.execPath, BUILD, "--quick", "--in-place", "--output", dir, architecture]);
  const compressed = join(dir, `blankroot-${architecture}-linux`);
  const built = { compressed, inPlace: `${compressed}-in-place` };
  shared[KEY].set(architecture, built);
  return built;
}
