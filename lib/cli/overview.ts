/** `blankroot --help`: the scripts, a line each. */
import type { Script } from "../cli.ts";
import { wrap } from "./wrap.ts";

const NAME_COLUMNS = 20;
const WIDTH_COLUMNS = 80;

export async function renderOverview(
  scripts: Record<string, () => Promise<{ default: Script }>>,
): Promise<string> {
  const lines: string[] = [];
  for (const [name, load] of Object.entries(scripts)) {
    const { summary } = (await load()).default;
    const text = wrap(summary, WIDTH_COLUMNS - NAME_COLUMNS);
    const indent = " ".repeat(NAME_COLUMNS);
    lines.push(
      ...text.map(
        (line, index) => (index === 0 ? `  ${name}`.padEnd(NAME_COLUMNS) : indent) + line,
      ),
    );
  }
  return [
    "blankroot: NixOS machines whose / is erased at every boot, on btrfs",
    "",
    "Usage: blankroot SCRIPT [FLAGS] …",
    "",
    ...lines,
    "",
    "blankroot SCRIPT --help shows the flags of each, blankroot --version the version,",
    "blankroot --licenses what it carries.",
    "",
  ].join("\n");
}
