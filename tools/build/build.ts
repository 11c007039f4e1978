/** npm run build: dist/ with the executable of each architecture and SHA256SUMS. */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { defineScript, runAlone } from "../../lib/cli.ts";
import { UsageFault } from "../../lib/fault.ts";
import { visible } from "../../lib/text.ts";
import { ARCHITECTURES, type Architecture } from "./architectures.ts";
import { exec } from "./exec.ts";
import { makeExecutable } from "./executable.ts";

const PROJECT = join(import.meta.dir, "../..");
const LEVEL = 22;
const LEVEL_QUICK = 3;
const MODE = 0o755;

const NAMES: readonly string[] = ARCHITECTURES.map(({ name }) => name);

const script = defineScript({
  name: "build",
  summary: "Build the executables",
  description: [
    "Makes dist/blankroot-ARCHITECTURE-linux and dist/SHA256SUMS: the same bytes from the same commit. Compressing takes a minute or two.",
  ],
  profile: "none",
  operands: {
    name: "ARCHITECTURE",
    description: `${NAMES.join(" or ")}; all of them unless given`,
  },
  args: {
    quick: { type: "boolean", description: "Compress in a second, and less" },
    "in-place": { type: "boolean", description: "Write the uncompressed form of each too" },
    output: { type: "string", valueHint: "DIR", description: "Where to, instead of dist/" },
  },
  async run({ args, operands }) {
    const wanted = architectures(operands.map((word) => Buffer.from(word).toString()));
    const { output = join(PROJECT, "dist") } = args;
    const commit = currentCommit();
    mkdirSync(output, { recursive: true });
    const level = args.quick === true ? LEVEL_QUICK : LEVEL;
    const inPlace = args["in-place"] === true;
    const made = await Promise.all(
      wanted.map((architecture) => make(architecture, { commit, level, output, inPlace })),
    );
    const lines = made.flat().map(({ name, bytes }) => `${sha256(bytes)}  ${name}\n`);
    writeWhole(join(output, "SHA256SUMS"), Buffer.from(lines.join("")), 0o644);
    for (const { name, bytes } of made.flat()) {
      console.log(`${(bytes.length / 1024 ** 2).toFixed(1).padStart(6)} MiB  ${name}`);
    }
    return 0;
  },
});

/** @throws UsageFault */
function architectures(names: readonly string[]): readonly Architecture[] {
  const unknown = names.find((name) => !NAMES.includes(name));
  if (unknown !== undefined) {
    throw new UsageFault(`Cannot build for ${visible(unknown)}: expected ${NAMES.join(" or ")}`);
  }
  return ARCHITECTURES.filter(({ name }) => names.length === 0 || names.includes(name));
}

interface Made {
  readonly name: string;
  readonly bytes: Uint8Array;
}

async function make(
  architecture: Architecture,
  options: { commit: string; level: number; output: string; inPlace: boolean },
): Promise<Made[]> {
  const folder = mkdtempSync(join(tmpdir(), "blankroot-build-"));
  try {
    const { inPlace, compressed } = await makeExecutable(architecture, { ...options, folder });
    const name = `blankroot-${architecture.name}-linux`;
    const made = [
      { name, bytes: compressed },
      ...(options.inPlace ? [{ name: `${name}-in-place`, bytes: inPlace }] : []),
    ];
    for (const { name, bytes } of made) writeWhole(join(options.output, name), bytes, MODE);
    return made;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Under another name first: what is run from dist/ meanwhile stays whole. */
function writeWhole(path: string, bytes: Uint8Array, mode: number): void {
  writeFileSync(`${path}.new`, bytes, { mode });
  renameSync(`${path}.new`, path);
}

/** With "+" behind it where files differ from what was committed. */
function currentCommit(): string {
  const commit = exec(["git", "rev-parse", "--short=12", "HEAD"], PROJECT).trim();
  return exec(["git", "status", "--porcelain"], PROJECT) === "" ? commit : `${commit}+`;
}

function sha256(bytes: Uint8Array): string {
  return new Bun.CryptoHasher("sha256").update(bytes).digest("hex");
}

await runAlone(script, import.meta.main);
