/**
 * A unit of systemd as a value: one model gives the unit file, which tests boot, and
 * the attributes of the NixOS module, so that what was booted is what ships.
 *
 * See systemd.unit(5), systemd.service(5), systemd.timer(5).
 */

/** How a unit stands to another one. */
export type Relation = "requires" | "after" | "before" | "conflicts" | "wantedBy" | "requiredBy";

/** The other unit, and why. */
export interface Related {
  readonly relation: Relation;
  readonly unit: string;
  /** For whoever reads the module, on one line. */
  readonly why: string;
}

/** One key of a section, such as `Type=oneshot`. */
export interface Setting {
  readonly key: string;
  readonly value: string | boolean;
  readonly why?: string;
}

export interface ServiceUnit {
  /** Without its type: `blankroot-rollback`. */
  readonly name: string;
  readonly description: string;
  readonly related: readonly Related[];
  /** Of the section [Unit], beside the relations. */
  readonly unit: readonly Setting[];
  readonly service: readonly Setting[];
}

export interface TimerUnit {
  /** Without its type; it starts the service of the same name. */
  readonly name: string;
  readonly description: string;
  readonly related: readonly Related[];
  /** Of the section [Timer]. */
  readonly timer: readonly Setting[];
}

const KEYS: Readonly<Record<Relation, string>> = {
  requires: "Requires",
  after: "After",
  before: "Before",
  conflicts: "Conflicts",
  wantedBy: "WantedBy",
  requiredBy: "RequiredBy",
};
const INSTALLED = ["wantedBy", "requiredBy"] as const satisfies readonly Relation[];

/** The unit's file. @param execStart the command line, as systemd reads it */
export function unitFile(unit: ServiceUnit, execStart: string): string {
  const service = [...unit.service.map(settingLine), `ExecStart=${execStart}`];
  return file(unit, unit.unit, "Service", service);
}

/** The timer's file. */
export function timerFile(unit: TimerUnit): string {
  return file(unit, [], "Timer", unit.timer.map(settingLine));
}

function file(
  unit: ServiceUnit | TimerUnit,
  settings: readonly Setting[],
  section: string,
  lines: readonly string[],
): string {
  const relations = Object.keys(KEYS) as Relation[];
  const ofUnit = relations.filter((relation) => !isInstalled(relation));
  const ofInstall = relations.filter(isInstalled);
  return [
    "[Unit]",
    `Description=${unit.description}`,
    ...settings.map(settingLine),
    ...ofUnit.flatMap((relation) => relationLine(unit, relation)),
    "",
    `[${section}]`,
    ...lines,
    "",
    "[Install]",
    ...ofInstall.flatMap((relation) => relationLine(unit, relation)),
    "",
  ].join("\n");
}

/**
 * The links that enabling the unit makes, as NixOS makes them when it is built:
 * `sysroot.mount.requires/blankroot-rollback.service`.
 */
export function installLinks(unit: ServiceUnit | TimerUnit): string[] {
  const type = "timer" in unit ? "timer" : "service";
  return unit.related
    .filter(({ relation }) => isInstalled(relation))
    .map(({ relation, unit: other }) => {
      const folder = relation === "wantedBy" ? "wants" : "requires";
      return `${other}.${folder}/${unit.name}.${type}`;
    });
}

/** The other units of one relation, in their order. */
export function relatedBy(unit: ServiceUnit | TimerUnit, relation: Relation): Related[] {
  return unit.related.filter((each) => each.relation === relation);
}

/**
 * The name of the unit that stands for a device node: `systemd-escape --path
 * --suffix=device`. See "String Escaping for Inclusion in Unit Names" in systemd.unit(5).
 */
export function deviceUnit(node: string): string {
  return `${escapedPath(node)}.device`;
}

/** The name of the unit that stands for a mount point, as `systemd-escape` gives it. */
export function mountUnit(mountPoint: string): string {
  return `${escapedPath(mountPoint)}.mount`;
}

function escapedPath(absolute: string): string {
  const path = absolute.replace(/\/+/g, "/").replace(/^\/|\/$/g, "");
  const bytes = Array.from(Buffer.from(path));
  const escaped = bytes.map((byte, index) => escapedByte(byte, index === 0)).join("");
  return escaped === "" ? "-" : escaped;
}

function escapedByte(byte: number, isFirst: boolean): string {
  const char = String.fromCharCode(byte);
  if (char === "/") return "-";
  if (/[A-Za-z0-9:_]/.test(char) || (char === "." && !isFirst)) return char;
  return `\\x${byte.toString(16).padStart(2, "0")}`;
}

function relationLine(unit: ServiceUnit | TimerUnit, relation: Relation): string[] {
  const units = relatedBy(unit, relation).map(({ unit: other }) => other);
  return units.length === 0 ? [] : [`${KEYS[relation]}=${units.join(" ")}`];
}

function isInstalled(relation: Relation): boolean {
  return (INSTALLED as readonly Relation[]).includes(relation);
}

function settingLine({ key, value }: Setting): string {
  return `${key}=${typeof value === "boolean" ? (value ? "yes" : "no") : value}`;
}
