/**
 * What an initrd holds of the rollback: of which kind it is, whether the unit or the
 * hook is in it, what starts the unit, and for which names the rollback was made.
 *
 * Units are told by the ends of their paths: where systemd finds them, NixOS and
 * dracut put links to other places, which differ by release.
 */
import { basename, dirname } from "node:path/posix";
import { MACHINE_ID_UNIT } from "../boot/machine-id.ts";
import { GOES_ON, rollbackUnit } from "../boot/stage1.ts";
import type { ArchiveEntry } from "./cpio.ts";

export interface InitrdContents {
  /** Undefined where it is of neither kind. */
  readonly kind: "systemd" | "scripted" | undefined;
  readonly hasUnit: boolean;
  /** Such as `initrd.target.wants`. */
  readonly startedBy: readonly string[];
  /**
   * The assignments ahead of the rollback's text by the names of their variables, as
   * they are written; undefined where the text isn't in it.
   */
  readonly parameters: ReadonlyMap<string, string> | undefined;
  /** Whether the hook goes on to boot a root that could not be rolled back. */
  readonly hookGoesOn: boolean;
  /** Whether the kept machine id is put in its place, by a unit that something starts or a hook. */
  readonly placesMachineId: boolean;
}

const UNIT = `${rollbackUnit("/dev/null", "boot").name}.service`;
const ID_UNIT = `${MACHINE_ID_UNIT}.service`;
const TYPE = 0o170000;
const TYPE_LINK = 0o120000;
/** Only text as short as that is looked into. */
const SCRIPT_MAX_BYTES = 1024 ** 2;
const ROLLBACK_TEXT = "blankroot_rollback() (";
const MACHINE_ID_TEXT = "blankroot_kept=";

/** Of one unit. */
class UnitFiles {
  #isThere = false;
  readonly startedBy = new Set<string>();

  add(directory: string, link: string | undefined): void {
    if (/\.(?:wants|requires)$/.test(directory)) this.startedBy.add(directory);
    // A unit that is masked is none.
    else if (link !== "/dev/null") this.#isThere = true;
  }

  get isThere(): boolean {
    return this.#isThere;
  }
}

/** Takes entries one by one, for none of them lives longer than its archive. */
export class InitrdReader {
  #isSystemd = false;
  #isScripted = false;
  readonly #rollback = new UnitFiles();
  readonly #machineId = new UnitFiles();
  #parameters: Map<string, string> | undefined;
  #hookGoesOn = false;
  #hasMachineIdText = false;

  add(entry: ArchiveEntry): void {
    const { path, mode, data } = entry;
    const link = (mode & TYPE) === TYPE_LINK ? Buffer.from(data).toString("latin1") : undefined;
    if (path === "etc/initrd-release") this.#isSystemd = true;
    if (path === "init") this.#addInit(link);
    if (basename(path) === UNIT) this.#rollback.add(basename(dirname(path)), link);
    if (basename(path) === ID_UNIT) this.#machineId.add(basename(dirname(path)), link);
    if (link === undefined && data.length <= SCRIPT_MAX_BYTES) this.#addText(data);
  }

  contents(): InitrdContents {
    const scripted = this.#isScripted ? "scripted" : undefined;
    const isIdStarted = this.#machineId.isThere && this.#machineId.startedBy.size > 0;
    return {
      kind: this.#isSystemd ? "systemd" : scripted,
      hasUnit: this.#rollback.isThere,
      startedBy: [...this.#rollback.startedBy].sort(),
      parameters: this.#parameters,
      hookGoesOn: this.#hookGoesOn,
      placesMachineId: this.#hasMachineIdText && (!this.#isSystemd || isIdStarted),
    };
  }

  #addInit(link: string | undefined): void {
    if (link !== undefined && /(?:^|\/)systemd$/.test(link)) this.#isSystemd = true;
    else this.#isScripted = true;
  }

  #addText(data: Uint8Array): void {
    const bytes = Buffer.from(data.buffer, data.byteOffset, data.length);
    if (bytes.includes(MACHINE_ID_TEXT)) this.#hasMachineIdText = true;
    if (!bytes.includes(ROLLBACK_TEXT)) return;
    this.#hookGoesOn = bytes.includes(GOES_ON);
    const lines = bytes.toString("latin1").matchAll(/^[ \t]*blankroot_(\w+)=(.*)$/gm);
    this.#parameters = new Map(Array.from(lines, ([, name, value]) => [name!, value!]));
  }
}
