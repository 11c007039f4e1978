/**
 * Size and start of the executable's forms, beside what `bun build --compile` makes.
 * A program of its own, for it wants a /run in memory as every systemd has: it gives
 * that to itself in a mount namespace.
 */
import { rmSync, statSync } from "node:fs";
import { exec } from "../tools/build/exec.ts";
import type { Built } from "./build.ts";
import { median, timeProgram } from "./measure.ts";

const ROUNDS = 41;
/** Of lib/version.ts and little else: what is measured is the start. */
const WORDS = ["--version"];
/** The executable's own, made again by the next start. */
const CACHE = "/run/blankroot-unpacked";

export interface Start {
  readonly name: string;
  readonly bytes: number;
  readonly ms: number;
}

if (import.meta.main) {
  console.log(JSON.stringify(measure(JSON.parse(process.argv[2]!))));
}

/** The first is the one that others are compared with. */
export function measureStarts(built: Built): Start[] {
  const script = 'mount -t tmpfs -o nosuid,nodev,mode=755 tmpfs /run; exec "$@"';
  const words = [process.execPath, import.meta.path, JSON.stringify(built)];
  return JSON.parse(exec(["unshare", "--mount", "sh", "-euc", script, "sh", ...words]));
}

function measure({ bare, inPlace, compressed }: Built): Start[] {
  const forms: { name: string; file: string; before?: () => void; env?: Record<string, string> }[] =
    [
      { name: "`bun build --compile`", file: bare },
      { name: "uncompressed", file: inPlace },
      { name: "the download, first start", file: compressed, before: dropCache },
      { name: "later starts", file: compressed },
      { name: "without its cache", file: compressed, env: { BLANKROOT_CACHE: "off" } },
    ];
  const times = forms.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { file, before, env }] of forms.entries()) {
      before?.();
      const options = env === undefined ? {} : { env };
      times[index]!.push(timeProgram([file, ...WORDS], options));
    }
  }
  return forms.map(({ name, file }, index) => ({
    name,
    bytes: statSync(file).size,
    ms: median(times[index]!)!,
  }));
}

function dropCache(): void {
  rmSync(CACHE, { recursive: true, force: true });
}
