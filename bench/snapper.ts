/** What snapper needs to compare a sample's two sides: a configuration of its own, and snapshots by number. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { sh } from "../test/support/disk.ts";

export interface SnapperSample {
  /** `--root`: nothing below the machine's own /etc is touched. */
  readonly root: string;
  readonly config: string;
  /** What it would answer from, had it been asked before. */
  readonly cache: string;
}

/** Of the second to the first; both are snapshots already, which costs it no time. */
export function prepareSnapper(
  folder: string,
  sides: { name: string; top: string; base: string; root: string },
): SnapperSample {
  const { name, top, base, root } = sides;
  const subvolume = join(top, `snapper-${name}`);
  sh(["btrfs", "--quiet", "subvolume", "create", subvolume]);
  sh(["btrfs", "--quiet", "subvolume", "create", join(subvolume, ".snapshots")]);
  for (const [index, from] of [base, root].entries()) {
    const number = index + 1;
    const at = join(subvolume, ".snapshots", String(number));
    mkdirSync(at);
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", from, join(at, "snapshot")]);
    writeFileSync(join(at, "info.xml"), infoOf(number));
  }
  mkdirSync(join(folder, "etc/default"), { recursive: true });
  mkdirSync(join(folder, "etc/snapper/configs"), { recursive: true });
  writeFileSync(join(folder, "etc/default/snapper"), `SNAPPER_CONFIGS="${name}"\n`);
  const lines = [`SUBVOLUME="${subvolume.slice(folder.length)}"`, 'FSTYPE="btrfs"', ""];
  writeFileSync(join(folder, "etc/snapper/configs", name), lines.join("\n"));
  const cache = join(subvolume, ".snapshots/2/filelist-1.txt");
  return { root: folder, config: name, cache };
}

function infoOf(number: number): string {
  const date = "<date>2026-01-01 00:00:00</date>";
  return `<?xml version="1.0"?>\n<snapshot><type>single</type><num>${number}</num>${date}</snapshot>\n`;
}
