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

/** A subvolume of snapper's, whose snapshots are taken in two steps. */
export class SnapperSide {
  readonly #folder: string;
  readonly #name: string;
  readonly #snapshots: string;

  /**
   * Takes the base: before the root is made, for a snapshot taken afterwards would
   * make find-new believe that the base is the newer of the two.
   */
  constructor(folder: string, name: string, sides: { top: string; base: string }) {
    const subvolume = join(sides.top, `snapper-${name}`);
    this.#folder = folder;
    this.#name = name;
    this.#snapshots = join(subvolume, ".snapshots");
    sh(["btrfs", "--quiet", "subvolume", "create", subvolume]);
    sh(["btrfs", "--quiet", "subvolume", "create", this.#snapshots]);
    this.#take(1, sides.base);
    mkdirSync(join(folder, "etc/default"), { recursive: true });
    mkdirSync(join(folder, "etc/snapper/configs"), { recursive: true });
    writeFileSync(join(folder, "etc/default/snapper"), `SNAPPER_CONFIGS="${name}"\n`);
    const lines = [`SUBVOLUME="${subvolume.slice(folder.length)}"`, 'FSTYPE="btrfs"', ""];
    writeFileSync(join(folder, "etc/snapper/configs", name), lines.join("\n"));
  }

  /** Takes the root. That both are snapshots already costs snapper no time. */
  finish(root: string): SnapperSample {
    this.#take(2, root);
    const cache = join(this.#snapshots, "2/filelist-1.txt");
    return { root: this.#folder, config: this.#name, cache };
  }

  #take(number: number, from: string): void {
    const at = join(this.#snapshots, String(number));
    mkdirSync(at);
    sh(["btrfs", "--quiet", "subvolume", "snapshot", "-r", from, join(at, "snapshot")]);
    writeFileSync(join(at, "info.xml"), infoOf(number));
  }
}

function infoOf(number: number): string {
  const date = "<date>2026-01-01 00:00:00</date>";
  return `<?xml version="1.0"?>\n<snapshot><type>single</type><num>${number}</num>${date}</snapshot>\n`;
}
