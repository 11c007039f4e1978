/** LICENSES.txt: of all that the executable carries, which `blankroot --licenses` prints. */
import { readFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dir, "..");
const RULE = "=".repeat(80);

/** Carried, and not from npm's registry as a library: the texts are in licenses/. */
const OTHERS: readonly [string, string][] = [
  ["Bun", "licenses/bun.txt"],
  ["GNU C Library", "licenses/glibc.txt"],
  ["Zstandard, the decoder", "licenses/zstd.txt"],
];

interface Lock {
  readonly packages: Record<string, { readonly version: string; readonly dev?: boolean }>;
}

export function renderLicenses(): string {
  const own: [string, string][] = [["blankroot", "LICENSE"]];
  const sections = [...own, ...OTHERS, ...libraries()];
  const contents = sections.map(([name]) => `    ${name}`);
  return [
    "What the executable blankroot carries, and under which licenses:",
    "",
    ...contents,
    ...sections.flatMap(([name, file]) => [
      "",
      RULE,
      name,
      RULE,
      "",
      readFileSync(join(ROOT, file), "utf8").replaceAll("\r\n", "\n").trimEnd(),
    ]),
    "",
  ].join("\n");
}

/** What package-lock.json has that isn't for development alone. */
function libraries(): [string, string][] {
  const lock = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as Lock;
  return Object.entries(lock.packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .map(([path, { version }]) => [
      `${path.slice("node_modules/".length)} ${version}`,
      `${path}/LICENSE`,
    ]);
}
