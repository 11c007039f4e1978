/**
 * dist/: the executable of each architecture and SHA256SUMS.
 *
 *     npm run build [-- --quick] [--in-place] [--output DIR] [ARCHITECTURE…]
 *
 * --quick compresses in a second what otherwise takes a minute or two; --in-place
 * writes the uncompressed form of each as well.
 */
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { ARCHITECTURES, type Architecture } from "./architectures.ts";
import { exec } from "./exec.ts";
import { makeExecutable } from "./executable.ts";

const PROJECT = join(import.meta.dir, "../..");
const LEVEL = 22;
const LEVEL_QUICK = 3;
const MODE = 0o755;

process.exit(await main(process.argv.slice(2)));

async function main(words: readonly string[]): Promise<number> {
  const { values, positionals } = parseArgs({
    args: [...words],
    allowPositionals: true,
    options: {
      quick: { type: "boolean", default: false },
      "in-place": { type: "boolean", default: false },
      output: { type: "string", default: join(PROJECT, "dist") },
    },
  });
  const unknown = positionals.find((name) => !ARCHITECTURES.some((known) => known.name === name));
  if (unknown !== undefined) {
    console.error(`build: no architecture "${unknown}"`);
    return 2;
  }
  const wanted = ARCHITECTURES.filter(
    ({ name }) => positionals.length === 0 || positionals.includes(name),
  );
  const commit = currentCommit();
  mkdirSync(values.output, { recursive: true });
  const level = values.quick ? LEVEL_QUICK : LEVEL;
  const made = await Promise.all(
    wanted.map((architecture) =>
      make(architecture, { commit, level, output: values.output, inPlace: values["in-place"] }),
    ),
  );
  const lines = made.flat().map(({ name, bytes }) => `${sha256(bytes)}  ${name}\n`);
  writeWhole(join(values.output, "SHA256SUMS"), Buffer.from(lines.join("")), 0o644);
  for (const { name, bytes } of made.flat()) {
    console.log(`${(bytes.length / 1024 ** 2).toFixed(1).padStart(6)} MiB  ${name}`);
  }
  return 0;
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
