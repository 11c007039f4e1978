/** Size and start of the executable's forms, beside what `bun build --compile` makes. */
import { rmSync, statSync } from "node:fs";
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

/** The first is the one that others are compared with. */
export function measureStarts({ bare, inPlace, compressed }: Built): Start[] {
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
      times[index]!.push(timeProgram([file, ...WORDS], options).ms);
    }
  }
  dropCache();
  return forms.map(({ name, file }, index) => ({
    name,
    bytes: statSync(file).size,
    ms: median(times[index]!)!,
  }));
}

function dropCache(): void {
  rmSync(CACHE, { recursive: true, force: true });
}
